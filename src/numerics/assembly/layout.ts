/**
 * Where the WebAssembly kernels and TypeScript find each other's numbers: the machine block and operation records, both
 * in 32-bit words. Plain constants without types, which both compilers take.
 */

// The machine block: what does not change from operation to operation.
export const machineInput = 0;
export const machineAcc = 1;
export const machineAct = 2;
export const machineCoef = 3;
export const machineKv = 4;
export const machineRowScales = 5;
/** Formats: 0 float32, 1 float16, 2 bfloat16. */
export const machineActFormat = 6;
export const machineKvFormat = 7;
export const machineLanes = 8;
export const machinePartialSums = 9;
export const machineAttentionLanes = 10;
export const machineAttentionPartialSums = 11;
/** Tables of functions, entries of (c0, c1, c2). */
export const machineReciprocal = 12;
export const machineRsqrt = 13;
export const machineExp = 14;
/** The state of attention. */
export const machineMaximum = 15;
export const machineSum = 16;
export const machineSeen = 17;
export const machineOutput = 18;
/** The list of the sampler; its count is a word in memory. */
export const machineLogits = 19;
export const machineTokens = 20;
export const machineCandidates = 21;
export const machineCount = 22;
/** Scratch of thread t begins at scratch + t · scratchBytes. */
export const machineScratch = 23;
export const machineScratchBytes = 24;
/** Shape of packed words: inputs of a column, columns, columns of a slice. */
export const machineSpan = 25;
export const machineColumns = 26;
export const machineSliceColumns = 27;
/** What a packed byte says: eight bytes per value, five ternary codes or eight bits. */
export const machineTernaryBytes = 28;
export const machineBinaryBytes = 29;
/** Scores of an item that the scratch of a thread holds. */
export const machineScores = 30;
export const machineWords = 31;

/** Words of an operation record; 2 and 3 belong to whoever queues it. */
export const recordWords = 48;
export const recordOpcode = 0;
export const recordChunks = 1;

export const opTernaryProduct = 1;
export const opLevelProduct = 2;
export const opConvertTernary = 3;
export const opConvertLevels = 4;
export const opCopy = 5;
export const opQuantise = 6;
export const opDequantise = 7;
export const opGate = 8;
export const opRope = 9;
export const opNorm = 10;
export const opAdd = 11;
export const opMultiply = 12;
export const opAppend = 13;
export const opScan = 14;
export const opAttend = 15;
export const opLoadFloats = 16;
export const opStoreFloats = 17;

// Products of rows with a host tile.
export const productTile = 4;
/** Bytes of a column of the tile. */
export const productPitch = 5;
export const productInputs = 6;
export const productColumns = 7;
export const productRows = 8;
export const productInput = 9;
export const productInputPitch = 10;
export const productOutput = 11;
export const productOutputPitch = 12;
export const productAccumulate = 13;
export const productPlanes = 14;

// Packed words to a host tile.
export const convertTile = 4;
export const convertPitch = 5;
/** Byte b of slice s of word w lies at source + w · wordStride + s · sliceStride + b. */
export const convertSource = 6;
export const convertWordStride = 7;
export const convertSliceStride = 8;
export const convertBlocks = 9;
export const convertSteps = 10;
export const convertPlanes = 11;

// Bytes to bytes.
export const copyTo = 4;
export const copyFrom = 5;
export const copyBytes = 6;

// Rows of the vector unit's operations; offsets and pitches in elements.
export const rowsDst = 4;
export const rowsSrc = 5;
export const rowsCount = 6;
export const rowsElements = 7;
export const rowsDstPitch = 8;
export const rowsSrcPitch = 9;
/** Gain or scale. */
export const rowsCoef = 10;
/** float32 bits. */
export const rowsEpsilon = 11;
export const rowsWide = 12;
export const rowsColumns = 13;
export const rowsAccumulate = 14;
export const rowsUpOffset = 15;
/** 0 relu2, 1 silu. */
export const rowsFunction = 16;
export const rowsHeadDimension = 17;
export const rowsTable = 18;

// Two operands; `rowsSrc` is a.
export const elementwiseB = 10;

export const scanFirstToken = 8;

// Floats in a format of external memory; addresses in bytes.
export const floatsTo = 4;
export const floatsFrom = 5;
export const floatsCount = 6;
export const floatsFormat = 7;
export const floatsRound = 8;

// Attention.
export const attendHeads = 4;
export const attendKvHeads = 5;
export const attendHeadDimension = 6;
export const attendWindow = 7;
export const attendSink = 8;
/** float32 bits. */
export const attendScale = 9;
export const attendQuery = 10;
export const attendOutput = 11;
export const attendKeys = 12;
export const attendValues = 13;
export const attendFirstPosition = 14;
export const attendCount = 15;
export const attendQueryPosition = 16;
export const attendRows = 17;
export const attendFirst = 18;
export const attendLast = 19;
/** Partial outputs. */
export const attendPartials = 20;
/** Parts of the items of a KV head; chunks are whole parts. */
export const attendParts = 21;

/** Items that attention has in hand at a time, and what their scratch memory holds, in bytes from its beginning. */
export const attendItems = 8;
/** Per item: ends of its visible ranges. */
export const attendRanges = 0;
/** Per item: its query, filled up to whole beats. */
export const attendQueries = 256;
/** The keys of four positions, transposed. */
export const attendKeyGroup = 8448;
/** Partial sums of a score, and what is summed to a beat, for four positions. */
export const attendSums = 12544;
/** Values of some positions. */
export const attendValueTile = 14592;
export const attendTilePositions = 16;
/** Per item: partial sums of exponentials. */
export const attendWeights = 30976;
/** Per item: scores; behind them its partial outputs. */
export const attendScores = 33280;

/** Columns of a host tile come in groups of this; chunks are whole groups. */
export const columnGroup = 4;
