/**
 * Where everything lies in linear memory, and what never changes during a run. The plain definition of all of it is in
 * `src/machine/units/memory.ts` and `src/machine/memory`; here the same state has fixed places, and links between
 * records are pointers. Cycles and ticks are i64. Sizes of records are powers of two.
 */

/** Later than everything, and far enough from the edge to be added to. */
export const never: i64 = 0x1000000000000000;
/** Before everything. */
export const longAgo: i64 = -0x8000000000000;
/** Row number of a closed bank. */
export const closed: i64 = -1;
/** AXI bursts do not cross a multiple of this. */
export const pageBytes: i64 = 4096;

// ── What the host reads. Doubles: the wake-up, and a mask of the users whose transfers have become known. The rest are
// counters, i64.
export const outWake: usize = 0;
export const outDone: usize = 8;
export const outBursts: usize = 16;
export const outRowHits: usize = 24;
export const outRowMisses: usize = 32;
export const outRowConflicts: usize = 40;
export const outRefreshes: usize = 48;
/** From here on by user: first beat, end and last beat (doubles), bytes read and written (i64); then beats by port (i64). */
export const outUsers: usize = 64;

// ── A user.
export const userShift: usize = 6;
export const userFrom: usize = 0; // i64: from when on its request competes
export const userFirst: usize = 8; // i64: first beat so far
export const userFinished: usize = 16; // i64: end so far
export const userInFlight: usize = 24;
export const userPortsLeft: usize = 28;
export const userWrite: usize = 32;
export const userGather: usize = 36;
export const userStreams: usize = 40; // number of streams of the request
export const userLast: usize = 48; // i64: last beat so far

// ── A stream of a user, at most one for each port, in the order of the request; it is also its cursor.
export const cursorShift: usize = 7;
export const cursorPort: usize = 0; // i32
export const cursorBase: usize = 8;
export const cursorRowBytes: usize = 16;
export const cursorRows: usize = 24;
export const cursorStride: usize = 32;
export const cursorLastAddress: usize = 40;
export const cursorLastBytes: usize = 48;
export const cursorRow: usize = 56;
export const cursorStart: usize = 64;
export const cursorStop: usize = 72;
export const cursorRowEnd: usize = 80;

// ── A port.
export const portShift: usize = 8;
export const portWake: usize = 0; // i64
export const portUsers: usize = 8; // mask
export const portLastUser: usize = 12;
export const portInFlight: usize = 16; // reads and writes
export const portReadsSettled: usize = 20; // of the oldest so many reads all times are known
export const portReadsOpen: usize = 24; // and of so many behind them not
export const portWritesSettled: usize = 28;
export const portWritesOpen: usize = 32; // sent, times not known
export const portWritesUnsent: usize = 36;
export const portReadFree: usize = 40; // i64
export const portWriteFree: usize = 48; // i64
export const portWriteEnd: usize = 56; // i64
export const portReads: usize = 64; // pointer: ring of records, its end, oldest, first open, next free
export const portReadsEnd: usize = 68;
export const portReadHead: usize = 72;
export const portReadOpen: usize = 76;
export const portReadTail: usize = 80;
export const portWrites: usize = 84;
export const portWritesEnd: usize = 88;
export const portWriteHead: usize = 92;
export const portWriteOpen: usize = 96;
export const portWriteUnsent: usize = 100;
export const portWriteTail: usize = 104;
export const portLane: usize = 108; // number of its lane of reads
export const portCursors: usize = 112; // pointers to the cursors of users, 4 bytes each; at most 32

// ── An AXI burst under way.
export const recordShift: usize = 7;
export const recordIssued: usize = 0; // i64
export const recordFirstReady: usize = 8; // i64 cycle
export const recordLastReady: usize = 16; // i64 cycle, −1 while open
export const recordFirstEnd: usize = 24; // i64 ticks
export const recordLastEnd: usize = 32;
export const recordDecided: usize = 40;
export const recordFinish: usize = 48; // i64 cycle
export const recordFirst: usize = 56; // i64 cycle: first beat of a write
export const recordLast: usize = 64; // i64 cycle: last beat of a write
export const recordAddress: usize = 72; // i64
export const recordBytes: usize = 80; // i32
export const recordBeats: usize = 84;
export const recordUser: usize = 88; // pointer
export const recordPieces: usize = 92; // left
export const recordPort: usize = 96; // pointer
export const recordWrite: usize = 100;

// ── A channel of DRAM.
export const channelShift: usize = 8;
export const channelNext: usize = 0; // i64 ticks: the next decision
export const channelDataEnd: usize = 8;
export const channelReadFloor: usize = 16; // read data come no earlier, for the writes before
export const channelWriteFloor: usize = 24;
export const channelRefresh: usize = 32;
export const channelPassed: usize = 40; // i64: refreshes that fell into idle time
export const channelActivates: usize = 48; // four i64, a ring
export const channelNewest: usize = 80;
export const channelWriting: usize = 84;
export const channelBusy: usize = 88; // lanes in which something waits
export const channelBusyList: usize = 92; // pointer to entries, by age
export const channelBanks: usize = 96;
export const channelGroups: usize = 100;
export const channelLanes: usize = 104;
export const channelOverdue: usize = 108; // busy lanes that have been passed over too often
export const channelHeadEnd: usize = 112; // i64

// A regular read (see `regular.ts`) leaves to others what it has done to groups and banks.
export const channelRegular: usize = 120; // whether the next read may be regular
export const channelNextGroup: usize = 124; // where it has to begin
export const channelPending: usize = 128; // i64: a mask of the sets to which something is left to do
export const channelSets: usize = 136; // pointer

/** The banks of a region, one in each group. */
export const setShift: usize = 5;
export const setRow: usize = 0; // i64: that is open in all of them, or −1
export const setLast: usize = 8; // i64 ticks: start of the last data of a regular read
export const setLastGroup: usize = 16; // and its group
export const setBanks: usize = 20; // pointer to the bank in the first group

/** A busy lane in the list of a channel. */
export const entryShift: usize = 4;
export const entryOrder: usize = 0; // i64: of its first piece
export const entryLane: usize = 8;
export const entryPiece: usize = 12; // its first piece

export const bankShift: usize = 5;
export const bankRow: usize = 0;
export const bankReady: usize = 8;
export const bankColumn: usize = 16;
export const bankActivate: usize = 24;

export const groupShift: usize = 5;
export const groupActivate: usize = 0;
export const groupReadFloor: usize = 8; // read data come no earlier, for what the group has moved
export const groupWriteFloor: usize = 16;
export const groupStart: usize = 24;

// ── A lane: what waits of one port in one direction.
export const laneShift: usize = 6;
export const laneRing: usize = 0;
export const laneRingEnd: usize = 4;
export const laneHead: usize = 8;
export const laneTail: usize = 12;
export const laneCount: usize = 16;
export const lanePassed: usize = 20;
export const laneNumber: usize = 24;
export const laneOwner: usize = 28; // pointer
export const laneShared: usize = 32; // whether others have the same owner

/** A port of the controller and a direction: the lane that was served last, and all its lanes. */
export const ownerShift: usize = 4;
export const ownerLast: usize = 0;
export const ownerLanes: usize = 4; // pointer to pointers
export const ownerCount: usize = 8;

/** What one burst takes of a channel: the piece that is served next, and what lies behind it. */
export const pieceShift: usize = 6;
export const pieceArrival: usize = 0;
export const pieceOrder: usize = 8;
export const pieceRow: usize = 16;
/** Addresses in the channel: the piece, its end, and the end of the last one. */
export const pieceLocal: usize = 24;
export const pieceNext: usize = 32;
export const pieceStop: usize = 40;
/** The banks of its region. */
export const pieceSet: usize = 48;
/** The group in which it begins, and DRAM bursts, those in the first region if it lies in two; 16 bits each. */
export const pieceGroup: usize = 52;
export const pieceCount: usize = 54;
export const pieceRecord: usize = 56;
/** A mask of the following. */
export const pieceKind: usize = 60;
export const kindWrite: i32 = 1;
export const kindGather: i32 = 2;
/** Others share the port of the controller. */
export const kindShared: i32 = 4;
/** No other channel has a part of the burst. */
export const kindAlone: i32 = 8;
/** It begins with the first byte of the burst. */
export const kindFirst: i32 = 16;
/** There are others behind it. */
export const kindMore: i32 = 32;
/** It goes on in another region. */
export const kindSplit: i32 = 64;
/** It touches every bank group. */
export const kindWide: i32 = 128;
