"""Dossiers as packages that outlive the program: OCFL objects of sealed files, beside the vault."""
