/**
 * Whether a component description is sound IP-XACT (IEEE 1685-2009), by rules instead of the standard's schema: which
 * elements follow each other, which must be there, what they refer to, and that registers and fields do not overlap.
 * The rules cover the elements that lutra writes; any other is a fault.
 */
import { DOMParser, type Element, ParseError } from '@xmldom/xmldom';

const namespace = 'http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009';

/** Children by element, in their order: `name?` may be missing, `name*` may be repeated or missing, `name+` is repeated. */
const children: Readonly<Record<string, string>> = {
  component:
    'vendor library name version busInterfaces? addressSpaces? memoryMaps? model? fileSets? description? parameters?',
  busInterfaces: 'busInterface+',
  busInterface: 'name description? busType abstractionType? (master|slave) portMaps? parameters?',
  master: 'addressSpaceRef?',
  slave: 'memoryMapRef?',
  portMaps: 'portMap+',
  portMap: 'logicalPort physicalPort',
  logicalPort: 'name',
  physicalPort: 'name',
  parameters: 'parameter+',
  parameter: 'name value',
  addressSpaces: 'addressSpace+',
  addressSpace: 'name range width addressUnitBits?',
  memoryMaps: 'memoryMap+',
  memoryMap: 'name addressBlock* addressUnitBits?',
  addressBlock: 'name description? baseAddress range width usage? access? register*',
  register: 'name description? addressOffset size volatile? access? reset? field*',
  reset: 'value mask?',
  field: 'name description? bitOffset bitWidth volatile? access? modifiedWriteValue? readAction?',
  model: 'views? ports?',
  views: 'view+',
  view: 'name envIdentifier+ language? modelName? fileSetRef*',
  fileSetRef: 'localName',
  ports: 'port+',
  port: 'name wire',
  wire: 'direction vector?',
  vector: 'left right',
  fileSets: 'fileSet+',
  fileSet: 'name file*',
  file: 'name fileType+',
  busType: '',
  abstractionType: '',
  addressSpaceRef: '',
  memoryMapRef: '',
};

const values: Readonly<Record<string, RegExp>> = {
  access: /^(read-only|write-only|read-write|writeOnce|read-writeOnce)$/,
  modifiedWriteValue: /^(oneToClear|oneToSet|oneToToggle|zeroToClear|zeroToSet|zeroToToggle|clear|set|modify)$/,
  readAction: /^(clear|set|modify)$/,
  usage: /^(memory|register|reserved)$/,
  direction: /^(in|out|inout|phantom)$/,
  fileType: /^(verilogSource|systemVerilogSource|vhdlSource|unknown)$/,
  addressOffset: /^(0x[0-9a-fA-F]+|\d+)$/,
  baseAddress: /^(0x[0-9a-fA-F]+|\d+)$/,
  size: /^\d+$/,
  bitOffset: /^\d+$/,
  bitWidth: /^[1-9]\d*$/,
  width: /^\d+$/,
  left: /^\d+$/,
  right: /^\d+$/,
};

/** Signals of an AXI memory-mapped interface as Vivado names them (bus definition xilinx.com:interface:aximm:1.0). */
const axiSignal =
  /^((AR|AW)(ADDR|LEN|SIZE|BURST|LOCK|CACHE|PROT|QOS|REGION|USER|ID|VALID|READY)|R(DATA|RESP|LAST|USER|ID|VALID|READY)|W(DATA|STRB|LAST|USER|ID|VALID|READY)|B(RESP|USER|ID|VALID|READY))$/;

const elements = (parent: Element): Element[] =>
  Array.from(parent.childNodes).filter((node): node is Element => node.nodeType === 1);
const kind = (element: Element) => element.localName ?? '';
const all = (parent: Element, name: string) => Array.from(parent.getElementsByTagNameNS(namespace, name));
const child = (parent: Element, name: string) => elements(parent).find((each) => kind(each) === name);
const textOf = (parent: Element, name: string) => child(parent, name)?.textContent?.trim() ?? '';
const attribute = (element: Element, name: string) => element.getAttributeNS(namespace, name) ?? '';

/** `register counter_dma_idle_low`. */
const title = (element: Element) => `${kind(element)} ${textOf(element, 'name')}`.trim();

function checkOrder(element: Element): string[] {
  const grammar = children[kind(element)];
  const inner = elements(element);
  if (grammar === undefined) return inner.length === 0 ? [] : [`${title(element)}: has elements inside`];
  const names = inner.map(kind);
  const pattern = grammar
    .split(' ')
    .filter((part) => part !== '')
    .map((part) =>
      part.replace(/^(\w+|\([\w|]+\))([?*+]?)$/, (_, name: string, times: string) => `(?:${name} )${times}`),
    )
    .join('');
  const isSound = new RegExp(`^${pattern}$`).test(names.map((name) => `${name} `).join(''));
  return isSound ? [] : [`${title(element)}: has ${names.join(', ') || 'nothing'} where ${grammar} belongs`];
}

function checkValue(element: Element): string[] {
  const pattern = values[kind(element)];
  const text = element.textContent?.trim() ?? '';
  if (kind(element) === 'name' && text === '') return ['a name is empty'];
  return pattern === undefined || pattern.test(text) ? [] : [`${kind(element)}: '${text}' is no value of it`];
}

function repeated(names: readonly string[], what: string): string[] {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [...new Set(twice)].map((name) => `there are two of ${what} ${name}`);
}

/** Pieces [first, end) with their names: those that overlap, or end behind `limit`. */
function checkPlaces(pieces: readonly { name: string; first: number; end: number }[], limit: number): string[] {
  const sorted = [...pieces].sort((a, b) => a.first - b.first);
  return sorted.flatMap((piece, index) => {
    const before = sorted[index - 1];
    const faults = piece.end > limit ? [`${piece.name} ends behind its place`] : [];
    return before && piece.first < before.end ? [...faults, `${piece.name} overlaps ${before.name}`] : faults;
  });
}

function checkRegisters(component: Element): string[] {
  return all(component, 'addressBlock').flatMap((block) => {
    const registers = elements(block).filter((element) => kind(element) === 'register');
    const places = registers.map((register) => {
      const first = Number(textOf(register, 'addressOffset'));
      return { name: title(register), first, end: first + Number(textOf(register, 'size')) / 8 };
    });
    const fields = registers.flatMap((register) => {
      const inner = elements(register).filter((element) => kind(element) === 'field');
      const bits = inner.map((field) => {
        const first = Number(textOf(field, 'bitOffset'));
        return { name: `${title(register)}: ${title(field)}`, first, end: first + Number(textOf(field, 'bitWidth')) };
      });
      const names = inner.map((field) => textOf(field, 'name'));
      return [
        ...checkPlaces(bits, Number(textOf(register, 'size'))),
        ...repeated(names, `the fields of ${title(register)}:`),
      ];
    });
    const names = registers.map((register) => textOf(register, 'name'));
    return [...checkPlaces(places, Number(textOf(block, 'range'))), ...fields, ...repeated(names, 'the registers:')];
  });
}

/** Names that one element uses and another must have. */
function checkReferences(component: Element): string[] {
  const namesOf = (name: string) => all(component, name).map((element) => textOf(element, 'name'));
  const refers = (reference: string, name: string, target: string) =>
    all(component, reference)
      .map((element) => (name === 'localName' ? textOf(element, name) : attribute(element, name)))
      .filter((each) => !namesOf(target).includes(each))
      .map((each) => `${reference}: there is no ${target} ${each}`);
  return [
    ...refers('memoryMapRef', 'memoryMapRef', 'memoryMap'),
    ...refers('addressSpaceRef', 'addressSpaceRef', 'addressSpace'),
    ...refers('fileSetRef', 'localName', 'fileSet'),
    ...['busInterface', 'memoryMap', 'addressSpace', 'port', 'fileSet'].flatMap((name) =>
      repeated(namesOf(name), `${name}`),
    ),
    ...repeated(namesOf('file'), 'file'),
  ];
}

/** Each port is mapped exactly once, to a signal that the interface has. */
function checkPortMaps(component: Element): string[] {
  const ports = all(component, 'port').map((element) => textOf(element, 'name'));
  const mapped = all(component, 'physicalPort').map((element) => textOf(element, 'name'));
  const signals = all(component, 'busInterface').flatMap((element) => {
    const names = all(element, 'logicalPort').map((port) => textOf(port, 'name'));
    const type = child(element, 'busType');
    const isAxi = type !== undefined && attribute(type, 'name') === 'aximm';
    const strange = isAxi ? names.filter((name) => !axiSignal.test(name)) : [];
    return [
      ...strange.map((name) => `${title(element)}: there is no signal ${name}`),
      ...repeated(names, `the signals of ${title(element)}:`),
    ];
  });
  return [
    ...signals,
    ...mapped.filter((name) => !ports.includes(name)).map((name) => `portMap: there is no port ${name}`),
    ...ports.filter((name) => !mapped.includes(name)).map((name) => `port ${name} belongs to no interface`),
    ...repeated(mapped, 'the mapped ports:'),
  ];
}

/** Every fault of a component description; `exists` is asked for its files, by their paths in it. */
export function checkIpXact(text: string, exists: (path: string) => boolean): string[] {
  let component: Element | null;
  try {
    component = new DOMParser({ onError: (level, message) => raise(level, message) }).parseFromString(
      text,
      'text/xml',
    ).documentElement;
  } catch (error) {
    return [`is no XML: ${(error as Error).message.split('\n')[0]}`];
  }
  if (component?.namespaceURI !== namespace || kind(component) !== 'component')
    return ['is no component of IP-XACT 1685-2009'];
  const every = [component, ...Array.from(component.getElementsByTagNameNS('*', '*'))];
  const missing = all(component, 'file')
    .map((file) => textOf(file, 'name'))
    .filter((path) => !exists(path));
  return [
    ...every.filter((element) => element.namespaceURI !== namespace).map((element) => `${element.tagName} is foreign`),
    ...every.flatMap(checkOrder),
    ...every.filter((element) => elements(element).length === 0).flatMap(checkValue),
    ...checkReferences(component),
    ...checkPortMaps(component),
    ...checkRegisters(component),
    ...missing.map((path) => `file ${path} is not there`),
  ];
}

function raise(level: string, message: string): never {
  throw new ParseError(`${level}: ${message}`);
}
