/** What the script of a report’s page draws: plain data, embedded in the page as JSON. The page’s tables say the same. */

/** Spans of one unit, each right behind the one before. */
export interface PageSpans {
  readonly from: number;
  /** Cycles and number of a kind, in turn. */
  readonly spans: readonly number[];
}

export interface PageClass {
  readonly title: string;
  /** Number in `families`. */
  readonly family: number;
}

export interface PageUnit {
  readonly unit: string;
  readonly title: string;
}

export interface PageBar {
  /** Row of the plot. */
  readonly row: string;
  readonly from: number;
  readonly to: number;
  /** A family of classes, a unit or another name that has a colour. */
  readonly colour: string;
  /** Inside the bar, where there is room. */
  readonly label: string;
  /** In full. */
  readonly title: string;
}

export interface PagePoint {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly title: string;
  readonly kind: string;
}

export interface PageData {
  readonly clockHz: number;
  readonly cycles: number;
  /** Names of colours, in the order in which they are stacked. */
  readonly families: readonly string[];
  readonly units: readonly PageUnit[];
  readonly timeline: {
    readonly binCycles: number;
    readonly classes: readonly PageClass[];
    /** For each unit: classes by number, each with its bins. */
    readonly bins: readonly (readonly (readonly [number, readonly number[]])[])[];
    /** Cycles in which tokens came out. */
    readonly tokens: readonly number[];
  };
  readonly closeUp: {
    readonly from: number;
    readonly to: number;
    readonly classes: readonly PageClass[];
    readonly instructions: readonly string[];
    readonly marks: readonly string[];
    /** Numbers of a class, of an instruction (−1: none) and of a mark, as spans have them. */
    readonly kinds: readonly (readonly [number, number, number])[];
    /** By unit, as in `units`; null for one that says nothing. */
    readonly lanes: readonly (PageSpans | null)[];
    /** The critical path from the first step to the last: number of the unit and cycles, in turn. */
    readonly path: readonly number[];
  };
  /** Shares from 0 to 1. */
  readonly stalls: readonly PageBar[];
  readonly layers: {
    readonly columns: readonly string[];
    readonly bars: readonly {
      readonly column: string;
      readonly unit: string;
      readonly colour: string;
      readonly cycles: number;
    }[];
  };
  readonly roofline: {
    readonly bytesPerCycle: number;
    readonly macsPerCycle: number;
    readonly points: readonly PagePoint[];
  };
  readonly bandwidth: {
    readonly binCycles: number;
    /** Bytes by bin, of each unit that moved any. */
    readonly rows: readonly { readonly unit: string; readonly title: string; readonly bytes: readonly number[] }[];
    readonly peak: number;
    readonly streaming: number;
  };
  /** Bytes by kind of contents. */
  readonly memory: readonly PageBar[];
  /** Joules per token, or of the run. */
  readonly energy: readonly PageBar[];
  readonly perToken: readonly PagePoint[];
}
