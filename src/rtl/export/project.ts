/** A hardware model, a board and what is wanted → every file of a project for the vendor's tool. */
import { LutraError } from '../../base/diagnostics.ts';
import { sha256Hex } from '../../base/digest.ts';
import { derive } from '../../hw/index.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { renderAll, type Templates, type VerilogFile } from '../render.ts';
import { compileOrder, withoutUltraRam } from '../resources.ts';
import { topModule } from '../topPorts.ts';
import type { Board, ExportTarget } from './boards.ts';
import { type ExportContext, exportContext, intelTop } from './context.ts';
import { chooseBoard, chooseTargets, misfits, modelOnBoard } from './fit.ts';
import { overlayMemoryMebibytes, renderHostFiles } from './hostFiles.ts';
import { type ComponentFile, renderIpXact } from './ipXact.ts';
import { registerFileNames, renderRegisterFile } from './registerFiles.ts';
import { type ExportTemplates, renderExport } from './render.ts';
import { expectedOutput, type SimulationVector, simulationFiles } from './simulation.ts';
import { commands, hasBlockDesign, hasOverlay, makeTargets, reports, unproven } from './steps.ts';

export interface ExportRequest {
  readonly target: ExportTarget | 'all';
  /** Undefined: the board that the hardware model names. */
  readonly board: string | undefined;
  /** Makes the self-test of the machine as it is exported (src/selftest). */
  readonly selfTest: (hw: HardwareModel) => SelfTestFiles;
  /** The programs that the test bench runs on that machine. */
  readonly vectors: (hw: HardwareModel) => readonly SimulationVector[];
}

export interface SelfTestFiles {
  readonly image: { readonly name: string; readonly bytes: Uint8Array };
  /** JSON. */
  readonly description: string;
}

export interface ExportProject {
  readonly hw: HardwareModel;
  readonly board: Board;
  readonly targets: readonly ExportTarget[];
  /** In the order of their paths. */
  readonly files: readonly VerilogFile[];
  /** Files that are no text. */
  readonly images: readonly ExportImage[];
}

export interface ExportImage {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Piece {
  readonly path: string;
  readonly template: string;
  readonly what: string;
}

function vivadoPieces(board: Board): Piece[] {
  const project = `lutra_${board.name.toLowerCase()}`;
  const script = (name: string, what: string, template = name): Piece => ({
    path: `vivado/${name}.tcl`,
    template: `vivado/${template}.tcl`,
    what,
  });
  return [
    script('common', 'what the other scripts share'),
    script('package_ip', 'packages the machine as an IP core'),
    script('ooc', 'places and routes the machine alone'),
    {
      path: `constraints/${topModule}_ooc.xdc`,
      template: 'vivado/ooc.xdc',
      what: 'clock and port timing of the machine alone',
    },
    ...(hasBlockDesign(board)
      ? [
          script('build', 'builds the whole design'),
          script(
            'block_design',
            'the block design: processors, ports, interrupt, addresses',
            `block_design_${board.family}`,
          ),
          { path: `constraints/${project}.xdc`, template: 'vivado/board.xdc', what: 'constraints of the whole design' },
        ]
      : []),
    ...(hasOverlay(board)
      ? [
          {
            path: 'linux/lutra.dtso',
            template: 'linux/lutra.dtso',
            what: 'device tree overlay: clock, port widths, the registers as a UIO device, contiguous memory',
          },
          { path: 'linux/shell.json', template: 'linux/shell.json', what: 'tells xmutil what kind of design this is' },
        ]
      : []),
  ];
}

function piecesOf(board: Board, targets: readonly ExportTarget[]): Piece[] {
  const has = (target: ExportTarget) => targets.includes(target);
  const same = (path: string, what: string): Piece => ({ path, template: path, what });
  const vivado = has('vivado') || has('vitis') ? vivadoPieces(board) : [];
  const constraints = vivado.filter(({ path }) => path.endsWith('_ooc.xdc'));
  const pieces = [
    ...(has('vivado') ? vivado : vivado.filter(({ path }) => /common|package_ip/.test(path))),
    ...(has('vitis')
      ? [
          same('vitis/gen_xo.tcl', 'packages the machine as a Vitis kernel'),
          same('vitis/kernel.xml', 'the kernel’s interfaces and arguments'),
          same('vitis/connectivity.cfg', 'which banks of memory the kernel’s ports reach'),
        ]
      : []),
    ...(has('quartus') || (has('fusesoc') && board.family === 'arria10')
      ? [
          same('quartus/lutra_quartus.sdc', 'clock and port timing of the machine alone'),
          {
            path: `quartus/${intelTop}.v`,
            template: 'quartus/lutra_intel.v',
            what: 'the machine with the ports that Platform Designer wants',
          },
        ]
      : []),
    ...(has('quartus')
      ? [
          same('quartus/lutra_quartus.qpf', 'Quartus project'),
          same('quartus/lutra_quartus.qsf', 'its settings: device, files in order, virtual pins'),
          same('quartus/build.tcl', 'compiles the project'),
          {
            path: `quartus/${intelTop}_hw.tcl`,
            template: 'quartus/lutra_hw.tcl',
            what: 'component of Platform Designer',
          },
        ]
      : []),
    ...(has('fusesoc') ? [{ path: 'lutra.core', template: 'fusesoc/lutra.core', what: 'FuseSoC core' }] : []),
    ...(has('fusesoc') && !has('vivado') && board.family !== 'arria10' ? fusesocConstraints(board, constraints) : []),
  ];
  return pieces;
}

const fusesocConstraints = (board: Board, known: readonly Piece[]): readonly Piece[] =>
  known.length > 0 ? known : vivadoPieces(board).filter(({ path }) => path.endsWith('_ooc.xdc'));

/** What each port of the machine is connected to. */
function connections(board: Board, context: ExportContext) {
  const control = board.controlAddress === undefined ? undefined : `0x${board.controlAddress.toString(16)}`;
  const inner = hasBlockDesign(board);
  const memory = (index: number) => {
    if (board.family === 'zynqMp')
      return `${board.memoryPorts?.[index]?.name} of the processor system, through a SmartConnect`;
    if (board.family === 'versal') return 'the network on chip, and by it the DDR controller';
    return board.memoryBanks === undefined ? 'your design' : `${board.memoryBanks} (Vitis)`;
  };
  return [
    {
      port: 'ap_clk',
      to: inner
        ? `the processors’ first fabric clock, ${context.clock.mhz} MHz`
        : `a clock of ${context.clock.mhz} MHz`,
    },
    { port: 'ap_rst_n', to: inner ? 'proc_sys_reset' : 'a synchronous reset, active low' },
    {
      port: context.control,
      to: control ? `the processors, ${control}, ${context.map.windowBytes} bytes` : 'an AXI4-Lite master',
    },
    ...context.ports.map(({ bus, index }) => ({ port: bus, to: memory(index) })),
    {
      port: 'interrupt',
      to:
        board.interruptNumber === undefined
          ? inner
            ? 'pl_ps_irq0'
            : 'an interrupt controller; high while an event waits'
          : `pl_ps_irq0[0]: GIC, shared peripheral interrupt ${board.interruptNumber}`,
    },
  ];
}

/** Everything of a project that the vendor's tools do not write themselves. */
function rest(
  board: Board,
  targets: readonly ExportTarget[],
  context: ExportContext,
  pieces: readonly Piece[],
  vectors: readonly SimulationVector[],
) {
  const contents = [
    { path: 'rtl/', what: 'the Verilog; `rtl/files.f` lists it in the order of compilation, `lutra_top.v` is the top' },
    { path: 'sim/', what: 'test bench with a model of memory; `sim/vectors/` has programs and what they must give' },
    { path: 'registers/', what: 'the registers as a page, a C header, Python and TypeScript' },
    {
      path: 'host/',
      what: 'Python for the board’s Linux: `lutra_host.py` drives the machine, `lutra_bridge.py` serves it to lutra',
    },
    {
      path: 'selftest/',
      what: 'a program that checks memory, every unit and the counters, and in `selftest.json` what it must answer: `host/lutra_host.py selftest selftest`',
    },
    { path: 'ip/component.xml', what: 'the machine in IP-XACT 1685-2009, for tools of any vendor' },
    { path: 'hardware.json', what: 'the hardware model with every field, as exported' },
    ...pieces.map(({ path, what }) => ({ path, what })),
  ];
  return {
    ...context,
    ...makeTargets(board, targets, context, vectors),
    vectors,
    firstVector: vectors[0]?.name ?? '',
    expected: expectedOutput(vectors),
    hasOverlay: hasOverlay(board) && targets.includes('vivado'),
    memoryMebibytes: overlayMemoryMebibytes(context.hw),
    commands: commands(board, targets),
    reports: reports(board, targets, context),
    unproven: unproven(board, targets),
    connections: connections(board, context),
    contents,
  };
}

function manifest(
  hw: HardwareModel,
  digest: string,
  board: Board,
  targets: readonly ExportTarget[],
  files: readonly VerilogFile[],
  images: readonly ExportImage[],
): string {
  const contents = [...files, ...images.map(({ path, bytes }) => ({ path, text: bytes }))];
  const inOrder = contents.sort((a, b) => (a.path < b.path ? -1 : 1));
  const digests = Object.fromEntries(inOrder.map(({ path, text }) => [path, sha256Hex(text)]));
  const about = {
    schema: 'lutra.export/1',
    hardware: { name: hw.name, digest },
    board: board.name,
    part: board.part,
    targets,
  };
  return `${JSON.stringify({ ...about, files: digests }, null, 2)}\n`;
}

/** Templates of both kinds. */
export interface AllTemplates {
  readonly verilog: Templates;
  readonly export: ExportTemplates;
}

/**
 * Every file of the export.
 * @throws LutraError RTL020 to RTL025 for a board that is not known, does not have such an export or is too small
 */
export function exportProject(model: HardwareModel, request: ExportRequest, templates: AllTemplates): ExportProject {
  const board = chooseBoard(model, request.board);
  const targets = chooseTargets(board, request.target);
  const hw = modelOnBoard(model, board);
  const derived = derive(hw);
  const faults = misfits(hw, derived, board);
  if (faults.length > 0) throw new LutraError(faults);

  const rendered = renderAll(hw, templates.verilog);
  const verilog = compileOrder(
    board.capacity['uram288'] === 0 || board.family === 'arria10' ? withoutUltraRam(rendered) : rendered,
    topModule,
  );
  const rtl: ComponentFile[] = verilog.map(({ path }) => ({
    path,
    type: path.endsWith('.v') ? 'verilogSource' : 'systemVerilogSource',
  }));
  const systemVerilog = rtl.filter(({ type }) => type === 'systemVerilogSource');
  const context = exportContext(hw, derived, board, targets, rtl);
  const pieces = piecesOf(board, targets);
  const vectors = request.vectors(hw);
  const all = rest(board, targets, context, pieces, vectors);
  const withCore = { ...all, files: systemVerilog };
  const { image, description } = request.selfTest(hw);
  const images = [
    { path: `selftest/${image.name}`, bytes: image.bytes },
    ...vectors.map(({ name, memory }) => ({ path: `sim/vectors/${name}.bin`, bytes: memory })),
  ];
  const files = [
    ...verilog.map(({ path, text }) => ({ path: `rtl/${path}`, text })),
    { path: 'rtl/files.f', text: verilog.map(({ path }) => `${path}\n`).join('') },
    { path: 'rtl/lint.vlt', text: templates.verilog.get('lint.vlt') ?? '' },
    { path: 'selftest/selftest.json', text: description },
    { path: 'hardware.json', text: `${JSON.stringify(hw, null, 2)}\n` },
    ...registerFileNames.map((name) => ({
      path: `registers/${name}`,
      text: renderRegisterFile(templates.export, name, hw),
    })),
    ...renderHostFiles(templates.export, hw),
    {
      path: 'ip/component.xml',
      text: renderIpXact(
        templates.export,
        hw,
        rtl.map(({ path, type }) => ({ path: `../rtl/${path}`, type })),
      ),
    },
    ...pieces.map(({ path, template }) => ({
      path,
      text: renderExport(templates.export, template, template.startsWith('fusesoc/') ? withCore : all),
    })),
    ...simulationFiles(templates.export, hw, vectors),
    { path: 'Makefile', text: renderExport(templates.export, 'project/Makefile', all) },
    { path: 'README.md', text: renderExport(templates.export, 'project/README.md', all) },
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    hw,
    board,
    targets,
    files: [...files, { path: manifestFile, text: manifest(hw, context.digest, board, targets, files, images) }],
    images,
  };
}

/** Names every file of an export, with its digest. */
export const manifestFile = 'manifest.json';
