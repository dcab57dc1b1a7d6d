// The queue of operation records: byte offsets that both sides know.

/** Records published so far, modulo 2³². */
export const publishedAt = 0;
/** Threads that sleep until `published` changes. */
export const sleepersAt = 64;
/** Not 0: helpers return. */
export const stopAt = 128;
/** Not 0: a thread has failed, and nothing more will come from it. */
export const failedAt = 192;
/** Records that a thread has gone past, one cache line per thread. */
export const positionsAt = 256;
export const positionBytes = 64;
/** Most threads that work on a queue. */
export const maximumThreads = 16;
export const recordsAt = 1280;
/** An operation record: 48 words. Words 1 to 3: its chunks, how many were claimed, how many are done. */
export const recordBytes = 192;
export const chunksAt = 4;
export const claimedAt = 8;
export const doneAt = 12;
/** Records in the ring. */
export const ringRecords = 1024;

/** What `serve` returns. */
export const served = 0;
export const stopped = 1;
export const failed = 2;
/** A record was not done after many looks: the caller may look at its clock and call again. */
export const slow = 3;
/** A helper found nothing to do for a while: it may sleep until `published` is no longer its position. */
export const idle = 4;
