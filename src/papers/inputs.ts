/** What a published machine is built from; who reads the files is the command line's business. */
import type { HardwareModel } from '../hw/schema.ts';
import type { ModelGraph } from '../model/graph.ts';

export interface PaperInputs {
  /** A checked hardware model: `hw-models/papers/NAME.json`, or else `hw-models/NAME.json`, with fields set as by --set. */
  hardware(name: string, set?: readonly string[]): HardwareModel;
  /** The shape of `models/NAME`, without weights. */
  graph(name: string): ModelGraph;
  /** The text of `hw-models/papers/NAME.json`, for a machine that has a description of its own. */
  description(name: string): { readonly file: string; readonly text: string };
}
