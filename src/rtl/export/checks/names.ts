/** Whether the names in recorded calls exist: ports of the top, files, cells and pins of the block design. */
import { type TopPort, topModule } from '../../topPorts.ts';
import { type Call, faultAt, sortArguments } from './calls.ts';
import { vendorTools } from './commands.ts';

const commands = new Map(vendorTools.vivado.commands.map((command) => [command.name, command]));

/** Words beside the options, of a call that `checkCalls` has found in order. */
function sorted(call: Call) {
  const command = commands.get(call.name);
  return command ? sortArguments(command, call) : { options: new Map<string, string>(), words: call.arguments };
}

/** Every name of `get_ports` must be a port, and a bus must be named with its bits. */
export function checkPorts(calls: readonly Call[], ports: readonly Pick<TopPort, 'name' | 'bits'>[]): string[] {
  const byName = new Map(ports.map((port) => [port.name, port]));
  return calls
    .filter(({ name }) => name === 'get_ports')
    .flatMap((call) =>
      call.arguments
        .filter((word) => !word.startsWith('-'))
        .flatMap((word) => word.split(' '))
        .flatMap((word) => {
          const name = word.replace('[*]', '');
          const port = byName.get(name);
          if (!port) return [faultAt(call, `there is no port ${name}`)];
          const isBus = word.endsWith('[*]');
          return isBus === port.bits > 1 ? [] : [faultAt(call, `${name} is ${port.bits} bits wide`)];
        }),
    );
}

/** Commands that read files. */
const readers: ReadonlySet<string> = new Set(['read_verilog', 'read_xdc', 'add_files', 'source']);

/** Files that scripts read must be there. */
export function checkFiles(calls: readonly Call[], exists: (path: string) => boolean): string[] {
  return calls
    .filter(({ name }) => readers.has(name))
    .flatMap((call) =>
      sorted(call)
        .words.flatMap((word) => word.split(' '))
        .filter((path) => !exists(path))
        .map((path) => faultAt(call, `there is no file ${path}`)),
    );
}

/** Pins, interfaces and parameters of the vendor's IP that block designs use (AMD PG201, PG164, PG247, PG352, PG313). */
interface KnownIp {
  readonly pins: RegExp;
  readonly interfaces: RegExp;
  readonly parameters: RegExp;
}

const knownIps: Readonly<Record<string, KnownIp>> = {
  zynq_ultra_ps_e: {
    pins: /^(pl_clk[0-3]|pl_resetn[0-3]|pl_ps_irq[01]|maxihpm[01]_fpd_aclk|maxihpm0_lpd_aclk|saxihp[0-3]_fpd_aclk|saxihpc[01]_fpd_aclk)$/,
    interfaces: /^(M_AXI_HPM[01]_FPD|M_AXI_HPM0_LPD|S_AXI_HP[0-3]_FPD|S_AXI_HPC[01]_FPD)$/,
    parameters:
      /^(PSU__FPGA_PL[0-3]_ENABLE|PSU__CRL_APB__PL[0-3]_REF_CTRL__FREQMHZ|PSU__USE__M_AXI_GP[0-2]|PSU__USE__S_AXI_GP[0-6]|PSU__SAXIGP[0-6]__DATA_WIDTH|PSU__USE__IRQ[01])$/,
  },
  versal_cips: {
    pins: /^(pl[0-3]_ref_clk|pl[0-3]_resetn|m_axi_fpd_aclk|m_axi_lpd_aclk|pl_ps_irq([0-9]|1[0-5]))$/,
    interfaces: /^(M_AXI_FPD|M_AXI_LPD)$/,
    parameters: /^(PS_PMC_CONFIG|CLOCK_MODE|DESIGN_MODE)$/,
  },
  axi_noc: {
    pins: /^aclk\d+$/,
    interfaces: /^[SM]\d\d_AXI$/,
    parameters: /^(NUM_SI|NUM_MI|NUM_CLKS|CONNECTIONS|CATEGORY|ASSOCIATED_BUSIF)$/,
  },
  proc_sys_reset: {
    pins: /^(slowest_sync_clk|ext_reset_in|aux_reset_in|mb_debug_sys_rst|dcm_locked|peripheral_aresetn|interconnect_aresetn|peripheral_reset|bus_struct_reset|mb_reset)$/,
    interfaces: /^$/,
    parameters: /^C_/,
  },
  smartconnect: {
    pins: /^(aclk\d?|aresetn)$/,
    interfaces: /^[SM]\d\d_AXI$/,
    parameters: /^(NUM_SI|NUM_MI|NUM_CLKS|HAS_ARESETN)$/,
  },
};

/** Cells that block automation makes, by the IP that it is applied to. */
const automated: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'xilinx.com:bd_rule:cips': [['axi_noc_0', 'axi_noc']],
};

export interface MachineInterface {
  readonly ports: readonly TopPort[];
  /** Name of the control interface, its memory map and its address block: `s_axi_control/registers`. */
  readonly addressBlock: string;
}

/** The block design that recorded calls make: cells by name, and how often each pin of the machine is connected. */
export function checkBlockDesign(calls: readonly Call[], { ports, addressBlock }: MachineInterface): string[] {
  if (!calls.some(({ name }) => name === 'create_bd_design')) return [];
  const single = new Set(ports.filter(({ name, bus }) => name === bus).map(({ name }) => name));
  const buses = new Set(ports.map(({ bus }) => bus).filter((bus) => !single.has(bus)));
  const cells = new Map<string, string>();
  const connected = new Map<string, number>();
  const faults: string[] = [];

  const checkPin = (call: Call, path: string, kind: 'pins' | 'interfaces') => {
    const [cell = '', pin = ''] = path.split('/');
    const ip = cells.get(cell);
    if (ip === undefined) return [faultAt(call, `there is no cell ${cell}`)];
    const exists = ip === topModule ? (kind === 'pins' ? single : buses).has(pin) : knownIps[ip]?.[kind].test(pin);
    return exists ? [] : [faultAt(call, `${ip} has no ${kind === 'pins' ? 'pin' : 'interface'} ${pin}`)];
  };
  const checkParameters = (call: Call) => {
    const { options, words } = sorted(call);
    const object = words.at(-1) ?? '';
    const ip = cells.get(object.split('/')[0] as string);
    const names = [
      ...(options.get('-dict') ?? '').matchAll(/CONFIG\.(\w+)/g),
      ...(words[0] ?? '').matchAll(/^CONFIG\.(\w+)/g),
    ];
    if (ip === undefined || ip === topModule) return [];
    return names
      .filter(([, name]) => !knownIps[ip]?.parameters.test(name as string))
      .map(([, name]) => faultAt(call, `${ip} has no parameter ${name}`));
  };

  for (const call of calls) {
    const { options, words } = sorted(call);
    const [word = ''] = words;
    if (call.name === 'create_bd_cell') {
      const ip = (options.get('-vlnv') ?? '').split(':')[2] ?? '';
      if (ip !== topModule && knownIps[ip] === undefined)
        faults.push(faultAt(call, `nothing is known of the IP ${ip}`));
      if (cells.has(word)) faults.push(faultAt(call, `there are two cells ${word}`));
      cells.set(word, ip);
    } else if (call.name === 'apply_bd_automation') {
      for (const [cell, ip] of automated[options.get('-rule') ?? ''] ?? []) cells.set(cell, ip);
    } else if (call.name === 'get_bd_cells') {
      if (!cells.has(word)) faults.push(faultAt(call, `there is no cell ${word}`));
    } else if (call.name === 'get_bd_pins') faults.push(...checkPin(call, word, 'pins'));
    else if (call.name === 'get_bd_intf_pins') faults.push(...checkPin(call, word, 'interfaces'));
    else if (call.name === 'get_bd_addr_segs') {
      const machine = [...cells].find(([, ip]) => ip === topModule)?.[0];
      if (word !== `${machine}/${addressBlock}`) faults.push(faultAt(call, `there is no address segment ${word}`));
    } else if (call.name === 'set_property') faults.push(...checkParameters(call));
    else if (call.name === 'connect_bd_net' || call.name === 'connect_bd_intf_net') {
      for (const pin of words) connected.set(pin, (connected.get(pin) ?? 0) + 1);
    }
  }
  const machine = [...cells].find(([, ip]) => ip === topModule)?.[0] ?? '';
  for (const pin of [...single, ...buses]) {
    const times = connected.get(`${machine}/${pin}`) ?? 0;
    if (times !== 1) faults.push(`block design: ${pin} of the machine is connected ${times} times`);
  }
  return faults;
}
