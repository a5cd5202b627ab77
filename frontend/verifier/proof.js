// That a leaf stands in a log: C2SP tlog-proof, with the inclusion proof of RFC 6962 / RFC 9162.

import { fromBase64, joined, same, text } from './bytes.js'
import { Fault, NotInLog, demand } from './fault.js'

const HEADER = 'c2sp.org/tlog-proof@v1'

/** Index, path and the signed checkpoint, word for word. */
export function proof(bytes) {
  let whole
  try {
    whole = text(bytes)
  } catch {
    throw new Fault('不是文本')
  }
  const gap = whole.indexOf('\n\n')
  const lines = whole.slice(0, Math.max(gap, 0)).split('\n')
  demand(gap >= 0 && lines[0] === HEADER, `没有以 ${HEADER} 开头`)
  demand(!lines[1]?.startsWith('extra '), '带有不受证明保护的附加内容')
  const found = /^index (0|[1-9][0-9]{0,18})$/.exec(lines[1] ?? '')
  demand(found, '没有写明证明的是第几条')
  const path = lines.slice(2).map(fromBase64)
  demand(path.length <= 63 && path.every(step => step?.length === 32), '路径上的摘要不是 32 字节')
  return { index: BigInt(found[1]), path, checkpoint: whole.slice(gap + 2) }
}

/** Walk from the leaf to the root by the hash of the tree; throws NotInLog if it does not lead there. */
export async function checkInclusion({ index, path }, leaf, { size, root }, hash) {
  const node = (left, right) => hash(joined(Uint8Array.of(1), left, right))
  const stands = (holds, sentence) => {
    if (!holds) throw new NotInLog(sentence)
  }
  stands(index < size, `日志只有 ${size} 条`)
  let here = index
  let last = size - 1n
  let held = await hash(joined(Uint8Array.of(0), leaf))
  for (const step of path) {
    stands(last > 0n, '路径过长')
    if (here & 1n || here === last) {
      held = await node(step, held)
      while (!(here & 1n) && here > 0n) {
        here >>= 1n
        last >>= 1n
      }
    } else {
      held = await node(held, step)
    }
    here >>= 1n
    last >>= 1n
  }
  stands(last === 0n, '路径过短')
  stands(same(held, root), '路径通向另一个树根')
}
