/** What the authors of FlightLLM and those who measured its bitstream again say; keys are positions or tokens. */

export interface PublishedStep {
  /** Milliseconds. */
  readonly total: number;
  readonly load?: number;
  readonly matrix?: number;
  readonly instructions?: number;
  /** Bytes of the program, rounded by the source. */
  readonly programBytes?: number;
  /** Largest deviation that passes, of times and of counts; 0.1 % of an exact rule, for rounding. */
  readonly tolerance: number;
}

export interface Published {
  readonly source: string;
  readonly decode: Readonly<Record<number, PublishedStep>>;
  readonly prefill: Readonly<Record<number, PublishedStep>>;
  /** Time of `tokens` decode steps after a prompt of `after`. */
  readonly generation: readonly { readonly after: number; readonly tokens: number; readonly milliseconds: number }[];
}

const rounding = 0.001;

/** The profile of the artifact: `profile/.compiler_output/profiler_output` and the tables of `profile/README.md`. */
export const publishedVhk158: Published = {
  source: 'FlightLLM, arXiv 2401.03868; profile of the artifact, github FlightLLM/flightllm_test_demo',
  decode: {
    128: {
      total: 9.261,
      load: 6.687,
      matrix: 8.799,
      instructions: 103_765,
      programBytes: 2.7e6,
      tolerance: rounding,
    },
    144: { total: 9.281941, load: 6.704711, matrix: 8.810382, instructions: 103_765, tolerance: rounding },
    272: { total: 9.450309, load: 6.845208, matrix: 8.901404, instructions: 103_765, tolerance: rounding },
    512: { total: 9.81, load: 7.109, matrix: 9.072, instructions: 103_765, tolerance: rounding },
    672: { total: 10.155171, load: 7.377924, matrix: 9.276871, instructions: 112_981, tolerance: rounding },
    1024: { total: 10.615256, load: 7.670626, matrix: 9.527182, instructions: 112_981, tolerance: rounding },
    1200: { total: 10.981537, load: 7.953215, matrix: 9.74336, instructions: 122_197, tolerance: rounding },
    1536: { total: 11.421, load: 8.233, matrix: 9.982, instructions: 122_197, tolerance: rounding },
    2048: {
      total: 12.226162,
      load: 8.794599,
      matrix: 10.437404,
      instructions: 131_413,
      programBytes: 3.5e6,
      tolerance: rounding,
    },
  },
  prefill: {
    128: {
      total: 289.88,
      load: 104.4,
      matrix: 274.2,
      instructions: 1_825_930,
      programBytes: 34e6,
      tolerance: rounding,
    },
    // Beyond one block of rows the authors' masks leave out more than what is not causal.
    512: {
      total: 1181.419287,
      load: 426.847472,
      matrix: 1109.111324,
      instructions: 7_406_626,
      programBytes: 139e6,
      tolerance: 0.01,
    },
  },
  generation: [
    { after: 128, tokens: 512, milliseconds: 4946.4 },
    { after: 512, tokens: 1536, milliseconds: 17_044.3 },
  ],
};

/** The authors' bitstream for another board, measured again by others. */
export const publishedU280: Published = {
  source: 'the authors’ U280 bitstream, measured again: 17.50 ms per token with 128 positions',
  decode: { 128: { total: 17.5, tolerance: 0.05 } },
  prefill: {},
  generation: [],
};
