/** A file by its path, or a text with the name that messages and `include` shall use. */
export type SourceFile = string | { readonly name: string; readonly text: string };

/** A variable to be reached from outside, in every instance of its module. `*` names all variables of the module. */
export interface PublicSignal {
  readonly module: string;
  readonly signal: string;
  /** False: it is only read, and Verilator may keep more of its optimisations. Default true. */
  readonly write?: boolean;
}

/** Where the tools are. What is not given is looked for in `path`. */
export interface ToolOptions {
  readonly verilator?: string;
  /** clang++ or clang with the WebAssembly target. */
  readonly clang?: string;
  readonly wasmLd?: string;
  /** Directories to search, in the form of the environment variable; default `process.env.PATH`. */
  readonly path?: string;
  /** Use `@yowasp/clang` even where a native clang is installed. Default false. */
  readonly preferYowasp?: boolean;
}

export type Engine = 'verilator' | 'cxxrtl';

export interface CompileOptions {
  /** In the order in which the tools shall read them; files named *.vh and *.svh are only included. */
  readonly files: readonly SourceFile[];
  readonly top: string;
  /** Values for the top module's parameters. A string stays a Verilog string. */
  readonly parameters?: Readonly<Record<string, number | bigint | string>>;
  /** Macros; `true` defines one without a value. */
  readonly defines?: Readonly<Record<string, string | number | true>>;
  /** The port that `tick` and `run` drive; default the first input called clk_i, clk, ap_clk, clock or i_clk. */
  readonly clock?: string;
  /** Make waveforms possible. It costs speed even while no trace runs. Default false. */
  readonly trace?: 'vcd' | false;
  /** The level for the generated C++. Default 3. Level 1 compiles faster and runs about half as fast. */
  readonly optimise?: 1 | 2 | 3;
  /**
   * What a register holds that nothing has written. `fast`: whatever is cheapest, the same in every run; `0`: zeros;
   * `unique`: random bits from the instance's seed, different for each register, which shows missing resets.
   */
  readonly xInitial?: 'fast' | 'unique' | '0';
  readonly publicSignals?: readonly PublicSignal[];
  /** `error`: a warning is as bad as an error. Default `report`: they are listed in the module. */
  readonly warnings?: 'error' | 'report';
  /** Ask for all of Verilator's style warnings (`-Wall`). Default false. */
  readonly allWarnings?: boolean;
  /** Verilator configuration text: waivers and the like. */
  readonly configuration?: string;
  /** Default: $XDG_CACHE_HOME/verilator-wasm or ~/.cache/verilator-wasm. */
  readonly cacheDirectory?: string;
  readonly tools?: ToolOptions;
  /** Default `verilator`. `auto`: Verilator where it is installed, else CXXRTL. */
  readonly engine?: Engine | 'auto';
}

export interface LintOptions {
  readonly files: readonly SourceFile[];
  readonly top: string;
  readonly parameters?: CompileOptions['parameters'];
  readonly defines?: CompileOptions['defines'];
  /** Verilator configuration text with waivers: `lint_off -rule WIDTH -file "*x.sv"`. */
  readonly waivers?: string;
  readonly tools?: ToolOptions;
}

export interface InstanceOptions {
  /** Seeds what `xInitial: 'unique'` leaves to chance, and `$random`. Default 1. */
  readonly seed?: number;
  /** Receives what the design prints (`$display`), in pieces as they come. Default: nothing is printed. */
  readonly print?: (text: string) => void;
  /** Files that the design may read with `$readmemh` and `$fopen`, by the name it uses. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}
