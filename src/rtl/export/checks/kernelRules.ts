/** Whether the kernel description and the connectivity file of Vitis agree with the machine (AMD UG1393). */
import { DOMParser, type Element } from '@xmldom/xmldom';
import type { RegisterMap } from '../../registerMap.ts';
import { controlBus, topModule } from '../../topPorts.ts';

const list = (parent: Element, name: string) => Array.from(parent.getElementsByTagName(name));
const of = (element: Element, name: string) => element.getAttribute(name) ?? '';

/** Faults of kernel.xml. `masters` are the machine's memory interfaces. */
export function checkKernel(text: string, masters: readonly string[], map: RegisterMap): string[] {
  const root = new DOMParser().parseFromString(text, 'text/xml').documentElement;
  const kernel = root && list(root, 'kernel')[0];
  if (!root || !kernel) return ['is no description of a kernel'];
  const ports = list(kernel, 'port').map((port) => of(port, 'name'));
  const wanted = [controlBus, ...masters];
  const args = list(kernel, 'arg');
  const offsets = new Map(map.registers.map(({ offset, name }) => [offset, name]));
  const byName = new Set(map.registers.map(({ name }) => name));
  const places = args.map((arg) => ({
    first: Number(of(arg, 'offset')),
    bytes: Number(of(arg, 'size')),
    name: of(arg, 'name'),
  }));
  const faults = [
    ...(of(kernel, 'name') === topModule ? [] : [`the kernel is called ${of(kernel, 'name')}, not ${topModule}`]),
    ...(ports.join() === wanted.join() ? [] : [`the ports are ${ports.join(', ')}, not ${wanted.join(', ')}`]),
    ...args
      .filter((arg, index) => of(arg, 'id') !== String(index))
      .map((arg) => `argument ${of(arg, 'name')}: wrong id`),
    ...masters
      .filter((bus) => !args.some((arg) => of(arg, 'port') === bus && of(arg, 'addressQualifier') === '1'))
      .map((bus) => `${bus} has no argument`),
  ];
  for (const { first, bytes, name } of places) {
    const register = offsets.get(first);
    const isMemory = name === 'memory0';
    if (isMemory || byName.has(name)) {
      const right = isMemory ? 'memoryLow' : name;
      if (register !== right) faults.push(`argument ${name} lies at ${register ?? 'no register'}, not ${right}`);
      continue;
    }
    const hit = [...offsets].find(([offset]) => offset >= first && offset < first + bytes);
    if (hit) faults.push(`argument ${name} lies on the register ${hit[1]}`);
    if (first + bytes > map.counters.offset) faults.push(`argument ${name} lies on the counters`);
  }
  return faults;
}

/** Faults of the connectivity file. */
export function checkConnectivity(text: string, masters: readonly string[]): string[] {
  const faults: string[] = [];
  const connected: string[] = [];
  let section = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const heading = /^\[(connectivity|clock)\]$/.exec(line);
    const port = /^sp=lutra_1\.(\w+):(\w+(\[\d+:\d+\])?)$/.exec(line);
    if (heading) section = heading[1] as string;
    else if (section === 'connectivity' && port) connected.push(port[1] as string);
    else if (section === 'connectivity' && line === `nk=${topModule}:1:lutra_1`) continue;
    else if (section === 'clock' && /^freqHz=\d+:lutra_1\.ap_clk$/.test(line)) continue;
    else faults.push(`line ${index + 1}: '${line}' does not belong there`);
  }
  if (connected.join() !== masters.join()) faults.push(`connects ${connected.join(', ')}, not ${masters.join(', ')}`);
  return faults;
}
