/** Whether the settings of Quartus and the component of Platform Designer agree with the module that they are about. */
import { type Call, faultAt } from './calls.ts';

interface DeclaredPort {
  readonly name: string;
  readonly direction: string;
  readonly bits: number;
}

/** The ports that a Verilog-2001 module declares. */
export function declaredPorts(text: string): DeclaredPort[] {
  return [...text.matchAll(/^ {2}(input|output) +wire +(?:\[(\d+):0\] +)?(\w+)/gm)].map(
    ([, direction = '', high, name = '']) => ({ name, direction, bits: high === undefined ? 1 : Number(high) + 1 }),
  );
}

/** Assignments that lutra writes (Intel "Quartus Settings File Reference Manual"). */
const globals =
  /^(FAMILY|DEVICE|TOP_LEVEL_ENTITY|PROJECT_OUTPUT_DIRECTORY|VERILOG_INPUT_VERSION|SDC_FILE|VERILOG_FILE|SYSTEMVERILOG_FILE)$/;

/** Faults of a settings file; every port but the clock must be a virtual pin. `exists` takes paths relative to the file. */
export function checkSettings(
  text: string,
  ports: readonly DeclaredPort[],
  exists: (path: string) => boolean,
): string[] {
  const faults: string[] = [];
  const pins: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const fault = (what: string) => faults.push(`line ${index + 1}: ${what}`);
    if (line === '' || line.startsWith('#')) continue;
    const global = /^set_global_assignment -name (\w+) ("[^"]*"|\S+)$/.exec(line);
    const pin = /^set_instance_assignment -name VIRTUAL_PIN ON -to (\w+)(\[\*\])?$/.exec(line);
    if (global) {
      const [, name = '', value = ''] = global;
      if (!globals.test(name)) fault(`there is no assignment ${name}`);
      if (name.endsWith('_FILE') && !exists(value)) fault(`file ${value} is not there`);
    } else if (pin) {
      const [, name = '', bus] = pin;
      const port = ports.find((each) => each.name === name);
      if (!port) fault(`there is no port ${name}`);
      else if ((bus !== undefined) !== port.bits > 1) fault(`${name} is ${port.bits} bits wide`);
      pins.push(name);
    } else fault(`'${line}' is no assignment`);
  }
  for (const { name } of ports) {
    if (name !== 'ap_clk' && !pins.includes(name)) faults.push(`${name} is no virtual pin`);
  }
  return faults;
}

/** Faults of the calls of a _hw.tcl: each port of the module belongs to one interface, and files and interfaces exist. */
export function checkComponent(
  calls: readonly Call[],
  ports: readonly DeclaredPort[],
  exists: (path: string) => boolean,
): string[] {
  const faults: string[] = [];
  const interfaces = new Set(calls.filter(({ name }) => name === 'add_interface').map((call) => call.arguments[0]));
  const seen: string[] = [];
  for (const call of calls) {
    const [first = '', second = '', third = '', way = '', bits = ''] = call.arguments;
    if (call.name === 'add_interface_port') {
      const port = ports.find(({ name }) => name === second);
      if (!interfaces.has(first)) faults.push(faultAt(call, `there is no interface ${first}`));
      if (!port) faults.push(faultAt(call, `there is no port ${second}`));
      else if (`${port.direction} ${port.bits}` !== `${way.toLowerCase()} ${bits}`) {
        faults.push(faultAt(call, `${second} is an ${port.direction} of ${port.bits}`));
      }
      seen.push(second);
    }
    if (call.name === 'set_interface_property' && second.startsWith('associated') && !interfaces.has(third)) {
      faults.push(faultAt(call, `there is no interface ${third}`));
    }
    if (call.name === 'add_fileset_file' && !exists(call.arguments[3] ?? '')) {
      faults.push(faultAt(call, `there is no file ${call.arguments[3]}`));
    }
  }
  for (const { name } of ports) {
    const times = seen.filter((each) => each === name).length;
    if (times !== 1) faults.push(`${name} belongs to ${times} interfaces`);
  }
  return faults;
}
