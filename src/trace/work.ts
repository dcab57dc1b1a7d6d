/**
 * What an instruction did, beside when: exact counts that follow from its operands. Reports add them up to rooflines and
 * energy; nothing in the machine depends on them.
 */

/** Everything that is counted. */
export const workKinds = [
  /** Cycles of units at full rate; an instruction’s are given beside its `Work` (see `TraceSink`). */
  'fullRateCycles',
  /** Bytes asked of memory, or given to it. */
  'memoryBytes',
  /** Weights applied to inputs, padding included; a weight of several planes counts once. */
  'macs',
  /** Table entries read, one for each table and column of a weight word; none with `select`, which has no tables. */
  'lookups',
  /** Table entries written. */
  'tableEntries',
  /** Additions and comparisons of integers. */
  'integerAdds',
  /** Additions and comparisons of floats. */
  'floatAdds',
  'floatMultiplies',
  /** Reciprocals, inverse roots and exponentials. */
  'floatFunctions',
  /** Between integers and floats, or float formats. */
  'conversions',
  /** Bytes read from and written to each on-chip buffer. */
  'weightsBytes',
  'inputBytes',
  'accBytes',
  'actBytes',
  'coefBytes',
  'kvBytes',
] as const;

export type WorkKind = (typeof workKinds)[number];

/** Counts by kind; what is left out is 0. */
export type Work = Readonly<Partial<Record<WorkKind, number>>>;
