// A host without shared memory.
delete globalThis.SharedArrayBuffer;
