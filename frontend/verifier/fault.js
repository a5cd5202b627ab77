// What is wrong with a thing, in a sentence for a person; the caller names the thing.

export class Fault extends Error {}

/** A path leads from the leaf to another head: the leaf is not in the log. */
export class NotInLog extends Fault {}

export function demand(holds, sentence) {
  if (!holds) throw new Fault(sentence)
}
