/** What the hardware model says, once; see `configurePorts` and the others in `index.ts`. */
export let users: i32 = 0;
export let ports: i32 = 0;
export let outstanding: i32 = 0;
export let portBytes: i64 = 0;
export let portBytesShift: i64 = 0;
export let burstBytes: i64 = 0;
export let forthCycles: i64 = 0;
export let backCycles: i64 = 0;
/** False: whatever arrives is ready at once. */
export let isDram: bool = false;

export let channels: i32 = 0;
export let interleaveShift: i64 = 0;
export let arbitrationShift: i64 = 0;
export let reorderLimit: i32 = 0;
export let banks: i32 = 0;
export let groups: i32 = 0;
export let groupsShift: i64 = 0;
export let regionShift: i64 = 0;
export let banksInGroupShift: i64 = 0;
export let dramBurstShift: i64 = 0;

export let ticksPerCycle: i64 = 1;
let cyclesPerTick: f64 = 1;
export let epochCycles: i64 = 0;
export let tBurst: i64 = 0;
export let tRcd: i64 = 0;
export let tRp: i64 = 0;
export let tCl: i64 = 0;
export let tCwl: i64 = 0;
export let tRas: i64 = 0;
export let tRc: i64 = 0;
export let tRtp: i64 = 0;
export let tWr: i64 = 0;
/** From the end of written data to read data: `tWtr` + `tCl`, and the same in one bank group. */
export let tWriteRead: i64 = 0;
export let tWriteReadGroup: i64 = 0;
export let tRtw: i64 = 0;
export let tRrd: i64 = 0;
export let tRrdL: i64 = 0;
export let tFaw: i64 = 0;
export let tCcdL: i64 = 0;
export let tRfc: i64 = 0;
export let tRefi: i64 = 0;
export let lookahead: i64 = 0;

export function setPorts(
  userCount: i32,
  portCount: i32,
  bytesOfPort: f64,
  bytesOfBurst: f64,
  inFlight: i32,
  forth: f64,
  back: f64,
): void {
  users = userCount;
  ports = portCount;
  portBytes = <i64>bytesOfPort;
  portBytesShift = ctz(portBytes);
  burstBytes = <i64>bytesOfBurst;
  outstanding = inFlight;
  forthCycles = <i64>forth;
  backCycles = <i64>back;
}

export function setDram(
  channelCount: i32,
  interleaveBytes: f64,
  arbitrationBytes: f64,
  limit: i32,
  bankCount: i32,
  groupCount: i32,
  rowBytes: f64,
  dramBurstBytes: f64,
): void {
  isDram = true;
  channels = channelCount;
  interleaveShift = ctz(<i64>interleaveBytes);
  arbitrationShift = ctz(<i64>arbitrationBytes);
  reorderLimit = limit;
  banks = bankCount;
  groups = groupCount;
  groupsShift = ctz(<i64>groupCount);
  regionShift = ctz(<i64>rowBytes * groupCount);
  banksInGroupShift = ctz(<i64>bankCount) - groupsShift;
  dramBurstShift = ctz(<i64>dramBurstBytes);
}

/** All in ticks, in the order of `DramTimes`; `epoch` is the number of cycles between two moves of the origin of time. */
export function setTimes(
  epoch: f64,
  perCycle: f64,
  burst: f64,
  rcd: f64,
  rp: f64,
  cl: f64,
  cwl: f64,
  ras: f64,
  rc: f64,
  rtp: f64,
  wr: f64,
  wtr: f64,
  wtrL: f64,
  rtw: f64,
  rrd: f64,
  rrdL: f64,
  faw: f64,
  ccdL: f64,
  rfc: f64,
  refi: f64,
  ahead: f64,
): void {
  epochCycles = <i64>epoch;
  ticksPerCycle = <i64>perCycle;
  cyclesPerTick = 1.0 / perCycle;
  tBurst = <i64>burst;
  tRcd = <i64>rcd;
  tRp = <i64>rp;
  tCl = <i64>cl;
  tCwl = <i64>cwl;
  tRas = <i64>ras;
  tRc = <i64>rc;
  tRtp = <i64>rtp;
  tWr = <i64>wr;
  tWriteRead = <i64>wtr + tCl;
  tWriteReadGroup = <i64>wtrL + tCl;
  tRtw = <i64>rtw;
  tRrd = <i64>rrd;
  tRrdL = <i64>rrdL;
  tFaw = <i64>faw;
  tCcdL = <i64>ccdL;
  tRfc = <i64>rfc;
  tRefi = <i64>refi;
  lookahead = <i64>ahead;
}

/** The cycle in which a tick lies: a division rounded down. The product is off by one at most, which is put right. */
export function cycleOf(ticks: i64): i64 {
  const cycle = <i64>floor(<f64>ticks * cyclesPerTick);
  const rest = ticks - cycle * ticksPerCycle;
  return cycle + <i64>(rest >= ticksPerCycle) - <i64>(rest < 0);
}
