/** What the script of a difference’s page draws. */
export interface DiffData {
  /** Titles of units, in the order of reports. */
  readonly units: readonly string[];
  /** By how many cycles the whole got longer. */
  readonly net: number;
  readonly bars: readonly DiffBar[];
}

export interface DiffBar {
  readonly unit: string;
  readonly family: string;
  readonly change: number;
  /** In words, for the tip. */
  readonly title: string;
}
