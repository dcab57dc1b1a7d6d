/** A two-dimensional transfer: `rows` rows of `rowBytes`, `stride` bytes from the start of one to the next. */
export interface TransferRequest {
  /** Index in `issueUnits`. */
  readonly user: number;
  readonly write: boolean;
  /** The address is data: time must not depend on it. */
  readonly gather: boolean;
  readonly address: number;
  readonly rowBytes: number;
  readonly rows: number;
  readonly stride: number;
  /**
   * Called as soon as the transfer's end is known, in a cycle before it: the cycle of its first data beat at a port, and
   * for a read that of its last beat, for a write that in which memory has taken all of it.
   */
  readonly onFinished: (firstBeatCycle: number, finishedCycle: number) => void;
}
