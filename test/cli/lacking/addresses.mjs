// A host that gives nobody the addresses of 4 GiB.
const { Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(limits) {
    if (limits.maximum === 65_536) throw new RangeError('could not allocate memory');
    super(limits);
  }
};
