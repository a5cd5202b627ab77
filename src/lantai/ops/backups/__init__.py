"""Backups of a whole installation, restored from nothing but themselves.

In the target:

    store/     a second copy of the packages (an OCFL store)        grows, is never replaced
    secret/    the same of the secret packages                      grows, is never replaced
    incoming/  the vault's own files, each under its SHA-256        grows, is never replaced
    backups/<moment>/
        backup.json     what this backup holds, and the digest of every file (``manifest``)
        log.tar         the published log
        database.sealed the database, with the openings of the log
        keys/           everything in ``keys/``
        others/         policy, evidence of witnesses, and whatever else stands in the home
        position.jsonl  the version of each package at this moment
        incoming.jsonl  the files of the vault at this moment

``*.sealed`` is opened with the passphrase of the backup only; the rest says nothing of persons.

**Of one moment.** Two orders meet in the database. What is published of the log follows the rows:
so the publisher's place is held while the log is copied and the snapshot of the database is taken,
and the copied log is as far as the snapshot's heads. Keys, masters and packages come before the
rows that name them: so they are copied after the snapshot was taken, and all that the snapshot
names is there. A master may leave the vault once its package stands: so the vault is copied before
the snapshot too. Thus a restored database never names what the copy lacks; files that no row
names yet do no harm.

**Destroyed stays destroyed.** Keys and log are always restored from the newest backup, whichever
moment the database is of: both only grow, but for keys that were destroyed. Keys that the log
says were destroyed are left out of each backup, and older backups that may have them lose their
``keys/`` as soon as a newer one stands; the others when they are older than
LANTAI_KEY_BACKUP_DAYS.

**What a home holds, and what becomes of it:**

    lantai.db            kept, as a snapshot (or the PostgreSQL database is)
    log/                 kept, as published; locks and half-written files are not
    keys/                kept, sealed
    vault/               kept, in incoming/
    preserved/, secret/  kept, in store/ and secret/ (wherever LANTAI_STORE has them)
    witnesses/, witnesses.policy, whatever else   kept, sealed, in others/
    derived/             made again from the masters
    inbox/               the scanning station delivers again what was not taken in
    cache/, uploads/, drawing/, demo files, lost+found   not kept
    stores/<name>/stage/   what is on its way into a bucket: not kept, made again
"""
