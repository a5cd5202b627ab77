"""What stands in the root of a store for whoever finds it without us: ``README.txt``."""

from typing import Final

NAME: Final = "README.txt"
README: Final = """\
兰台人事档案长期保存库

这是什么
  一个 OCFL 1.1 存储根（https://ocfl.io/1.1/spec/）。一份档案是一个对象，对象号为
  urn:lantai:dossier:<档案内部编号>；每一版都完整，只增不改。
  清单（inventory.json）与其摘要可用任何 OCFL 工具核对，不需要密钥。

里面的文件都加了密
  头部（数字都是大端）：
    8   字样 LTSEAL1 和换行
    1   算法：1 为 AES-256-GCM，2 为 SM4-GCM
    4   一段的字节数
    8   明文的字节数
    16  档案密钥的标记：以档案密钥对 "lantai key mark" 作 HMAC-SHA-256，取前 16 字节
    32  处所的 SHA-256
    12  随机数；其后是用档案密钥加密的数据密钥（AES 32 字节，SM4 16 字节），再后 16 字节校验
        附加数据：以上全部字节，后接处所
  其后各段：密文和 16 字节校验。随机数是段号（12 字节，从 0 起）；附加数据是第一段之前全部
  字节的 SHA-256。空文件有一个空段。
  处所是规范 JSON（RFC 8785）：{"dossier":"<内部编号>","path":"<路径>","version":<版次>}，
  路径和版次是该文件最初写入时的，即内容路径 v<版次>/content/<路径>。

密钥在哪里
  不在库里。档案密钥一份档案一把，由主密钥包裹，存于数据目录的 keys/，另有备份。
  没有密钥，谁也读不出；密钥销毁，即档案销毁。

解开之后
  catalogue.json     人员、档案、目录、每页影像的摘要、出入库
  production.json    扫描批次、设备、质检所见与判定
  events.json        日志条目及其证明（C2SP tlog-checkpoint，RFC 9162 路径）
  derivatives.json   浏览用影像由哪一母本、经哪些步骤而来
  images/            扫描母本，逐字节原样

--------------------------------------------------------------------------------

Lantai preservation store for personnel dossiers

What this is
  A storage root of OCFL 1.1 (https://ocfl.io/1.1/spec/). One dossier is one object, its id
  urn:lantai:dossier:<uid>; every version is whole, and versions only grow. Inventories and
  digests can be checked with any OCFL program, without a key.

Every file inside is sealed
  Header (numbers are big-endian):
    8   LTSEAL1 and a line feed
    1   suite: 1 AES-256-GCM, 2 SM4-GCM
    4   length of a chunk
    8   length of the plain text
    16  mark of the dossier key: first 16 bytes of HMAC-SHA-256 of "lantai key mark" under it
    32  SHA-256 of the place
    12  nonce; then the data key under the dossier key (32 bytes for AES, 16 for SM4), tag of 16
        additional data: all bytes before, then the place
  Then the chunks: cipher text and a tag of 16 bytes. Nonce: the chunk's number in 12 bytes, from
  0. Additional data: SHA-256 of everything before the first chunk. An empty file has one empty
  chunk.
  The place is canonical JSON (RFC 8785): {"dossier":"<uid>","path":"<path>","version":<number>},
  with path and version as first written: the content path is v<number>/content/<path>.

Where the keys are
  Not here. Each dossier has a key, wrapped under a key above all; both are in keys/ of the data
  directory and in its backups. Without a key nobody reads; a destroyed key is a destroyed dossier.

Once opened
  catalogue.json     person, dossier, catalogue, digests of each image, custody of the paper
  production.json    batch, device, what the checks found and what was judged
  events.json        entries of the log with proofs (C2SP tlog-checkpoint, paths of RFC 9162)
  derivatives.json   from which master, and by which steps, the images for the screen are made
  images/            the masters, byte for byte as scanned
""".encode()
