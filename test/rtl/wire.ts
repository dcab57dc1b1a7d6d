/** Puts rendered modules side by side and joins their ports by name. */

interface Port {
  readonly direction: 'input' | 'output';
  readonly width: number;
  readonly name: string;
}

/** Ports of a module with their widths, parameters at their defaults. */
export function portsOf(text: string): Port[] {
  const start = text.indexOf('\nmodule ');
  const header = text.slice(start, text.indexOf('\n);', start));
  const names: string[] = [];
  const values: number[] = [];
  const evaluate = (expression: string) => new Function(...names, `return ${expression};`)(...values) as number;
  for (const [, name, expression] of header.matchAll(/parameter (\w+)\s*= ([^,\n]+)/g)) {
    values.push(evaluate(expression as string));
    names.push(name as string);
  }
  return [...header.matchAll(/(input|output)\s+logic\s+(?:\[([^:\]]+):0\]\s+)?(\w+)/g)].map(
    ([, direction, high, name]) => ({
      direction: direction as Port['direction'],
      width: high === undefined ? 1 : evaluate(high) + 1,
      name: name as string,
    }),
  );
}

/** AXI ports `m_axi_gmem0` … of the hubs, and what their monitors need to know. */
interface PortsToWatch {
  readonly ports: number;
  readonly portBits: number;
  readonly outstanding: number;
}

const bare = (name: string) => name.replace(/_[io]$/, '');

/**
 * A module `bench`. Hubs name their ports after the users (`dma_burst_valid_i`) or share them (`read_data_o`); a unit's
 * port is joined to its own or the shared one. What only one side has becomes a port of the bench, a unit's with the
 * unit's name before it; inputs get `_i`, outputs `_o`. Each of the AXI ports of `watch` gets an `axi_monitor`,
 * whose `broken_o` of all of them follow each other in `broken_o`.
 */
export function bench(
  hubs: ReadonlyMap<string, string>,
  units: ReadonlyMap<string, string>,
  watch?: PortsToWatch,
): string {
  const shared = new Set([...hubs.values()].flatMap((text) => portsOf(text).map((port) => bare(port.name))));
  const nets = new Map<string, { width: number; driven: boolean; read: boolean }>();
  const instances: string[] = [];
  for (const [module, text] of [...hubs, ...units]) {
    const connections = portsOf(text).map(({ name, width, direction }) => {
      const own = `${module}_${bare(name)}`;
      const net = hubs.has(module) || !shared.has(own) ? (shared.has(bare(name)) ? bare(name) : own) : own;
      const entry = nets.get(net) ?? { width, driven: false, read: false };
      if (entry.width !== width) throw new Error(`${net}: ${entry.width} bits, but ${width} at ${module}`);
      if (direction === 'output') entry.driven = true;
      else entry.read = true;
      nets.set(net, entry);
      return `    .${name}(${net})`;
    });
    instances.push(`  ${module} u_${module} (\n${connections.join(',\n')}\n  );`);
  }
  const range = (width: number) => (width > 1 ? `[${width - 1}:0] ` : '');
  const header: string[] = [];
  const body: string[] = [];
  for (const [net, { width, driven, read }] of nets) {
    body.push(`  logic ${range(width)}${net};`);
    if (!driven) {
      header.push(`  input  logic ${range(width)}${net}_i`);
      body.push(`  assign ${net} = ${net}_i;`);
    } else if (!read || !shared.has(net)) {
      header.push(`  output logic ${range(width)}${net}_o`);
      body.push(`  assign ${net}_o = ${net};`);
    }
  }
  if (watch) header.push(`  output logic [${8 * watch.ports - 1}:0] broken_o`);
  for (let port = 0; port < (watch?.ports ?? 0); port++) instances.push(monitor(port, watch as PortsToWatch));
  return `module bench (\n${header.join(',\n')}\n);\n${body.join('\n')}\n${instances.join('\n')}\nendmodule\n`;
}

const watched = ['ar', 'aw'].flatMap((channel) =>
  ['addr', 'len', 'size', 'burst', 'valid', 'ready'].map((name) => `${channel}${name}`),
);
const alsoWatched = ['rlast', 'rvalid', 'rready', 'wdata', 'wstrb', 'wlast', 'wvalid', 'wready', 'bvalid', 'bready'];

function monitor(port: number, { portBits, outstanding }: PortsToWatch): string {
  const connections = [...watched, ...alsoWatched].map((name) => `    .${name}_i(m_axi_gmem${port}_${name}),\n`);
  return `  axi_monitor #(.PORT_BITS(${portBits}), .OUTSTANDING(${outstanding})) u_monitor_${port} (
    .clk_i(clk), .rst_ni(rst_ni), .stopped_i(1'b0), .draining_i(1'b0),\n${connections.join('')}    .broken_o(broken_o[${8 * port} +: 8])\n  );`;
}
