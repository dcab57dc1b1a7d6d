/** What a person types in an exported project, what comes out, and what it is worth: data for its Makefile and README. */
import type { Board, ExportTarget } from './boards.ts';
import type { ExportContext } from './context.ts';
import type { SimulationVector } from './simulation.ts';

interface MakeTarget {
  readonly name: string;
  readonly needs: string;
  readonly what: string;
  readonly commands: readonly string[];
}

interface Report {
  readonly file: string;
  readonly what: string;
  readonly wanted: string;
}

/** The design with the board's processors around it, which only some boards have. */
export const hasBlockDesign = (board: Board) => board.family === 'zynqMp' || board.family === 'versal';
/** Linux sees the machine through a device tree overlay. */
export const hasOverlay = (board: Board) => board.family === 'zynqMp';

const batch = (script: string) =>
  `$(VIVADO) -mode batch -nojournal -log build/${script}.log -source vivado/${script}.tcl`;

/** Targets of the Makefile, in the order in which they are wanted. */
export function makeTargets(
  board: Board,
  targets: readonly ExportTarget[],
  context: ExportContext,
  vectors: readonly SimulationVector[],
) {
  const { top, project } = context;
  const phony: MakeTarget[] = [];
  const files: MakeTarget[] = [];
  const ipCore = `build/ip_repo/${top}/component.xml`;
  if (targets.includes('vivado')) {
    phony.push({
      name: 'ooc',
      needs: 'build',
      what: `places and routes the machine alone for ${board.part}: does it fit, does it reach ${context.clock.mhz} MHz`,
      commands: [batch('ooc')],
    });
    phony.push({ name: 'ip', needs: ipCore, what: 'packages the machine as an IP core', commands: [] });
    files.push({ name: ipCore, needs: 'manifest.json | build', what: '', commands: [batch('package_ip')] });
    if (hasBlockDesign(board)) {
      phony.push({
        name: 'bitstream',
        needs: ipCore,
        what: `builds the whole design: build/output/${project}.${context.board.imageEnding}, .hwh and .xsa`,
        commands: [batch('build')],
      });
    }
  }
  if (targets.includes('vitis')) {
    const xo = `build/${top}.xo`;
    const xclbin = `build/${project}.xclbin`;
    phony.push({ name: 'xo', needs: xo, what: 'packages the machine as a Vitis kernel', commands: [] });
    files.push({
      name: xo,
      needs: 'manifest.json | build',
      what: '',
      commands: ['$(VIVADO) -mode batch -nojournal -log build/gen_xo.log -source vitis/gen_xo.tcl'],
    });
    phony.push({
      name: 'xclbin',
      needs: xclbin,
      what: 'links the kernel into the platform (hours)',
      commands: [],
    });
    files.push({
      name: xclbin,
      needs: xo,
      what: '',
      commands: [
        `$(VPP) --link --target hw --platform $(PLATFORM) --config vitis/connectivity.cfg --report_level estimate --temp_dir build/vpp --log_dir build/vpp/logs --report_dir build/reports/vitis --output ${xclbin} ${xo}`,
      ],
    });
  }
  if (targets.includes('quartus')) {
    phony.push({
      name: 'quartus',
      needs: 'build',
      what: `compiles the machine alone for ${board.part}`,
      commands: ['$(QUARTUS_SH) -t quartus/build.tcl'],
    });
  }
  if (targets.includes('fusesoc')) {
    phony.push({
      name: 'fusesoc',
      needs: 'build',
      what: 'synthesis of the machine alone by way of FuseSoC',
      commands: [`$(FUSESOC) --cores-root . run --work-root build/fusesoc --target=synth ${context.coreName}`],
    });
  }
  if (targets.includes('vivado') && hasOverlay(board)) phony.push(...boardTargets(project));
  phony.push({
    name: 'lint',
    needs: 'rtl/files.f',
    what: 'asks Verilator about the Verilog; silence is good',
    commands: [`$(VERILATOR) --lint-only -Wall --top-module ${top} rtl/lint.vlt -F rtl/files.f`],
  });
  if (vectors.length > 0) {
    phony.push({
      name: 'sim',
      needs: vectors.map(({ name }) => `sim-${name}`).join(' '),
      what: 'all of the following, in Verilator, or with SIM=icarus, xsim or questa',
      commands: [],
    });
  }
  for (const { name, what } of vectors) {
    phony.push({ name: `sim-${name}`, needs: '$(SIM_DIR)/built', what, commands: [`$(call simulate,${name})`] });
  }
  return { makeTargets: phony, makeFiles: files };
}

/** What brings a design that has been built to the board. */
function boardTargets(project: string): MakeTarget[] {
  const built = `build/output/${project}.bit`;
  return [
    {
      name: 'overlay',
      needs: 'build',
      what: 'compiles the device tree overlay with $(MEMORY_MIB) MiB of memory for the machine, or what IMAGE=FILE needs',
      commands: [
        "mib=$(MEMORY_MIB); if [ -n '$(IMAGE)' ]; then mib=$$(python3 host/lutra_host.py memory '$(IMAGE)') || exit 1; fi; sed \"s/([0-9]* << 20)/($$mib << 20)/\" linux/lutra.dtso > build/lutra.dtso",
        '$(DTC) -@ -I dts -O dtb -o build/lutra.dtbo build/lutra.dtso',
      ],
    },
    {
      name: 'board-files',
      needs: 'overlay',
      what: 'gathers in build/board what the board needs; with BOARD=user@address copies it there, to lutra/',
      commands: [
        `test -f ${built} || { echo 'error: there is no ${built}: make bitstream'; exit 1; }`,
        'mkdir -p build/board/firmware build/board/host build/board/selftest',
        `printf 'all: { %s }\\n' ${built} > build/${project}.bif`,
        `$(BOOTGEN) -w -arch zynqmp -process_bitstream bin -image build/${project}.bif`,
        `cp ${built}.bin build/lutra.dtbo linux/shell.json build/board/firmware/`,
        `cp ${built} build/output/${project}.hwh host/*.py registers/lutra_regs.py build/board/host/`,
        'cp selftest/selftest.json selftest/selftest.lutra build/board/selftest/',
        "if [ -n '$(BOARD)' ]; then scp -r build/board/. '$(BOARD):lutra'; fi",
      ],
    },
  ];
}

/** The three commands of the README. */
export function commands(board: Board, targets: readonly ExportTarget[]) {
  const has = (target: ExportTarget) => targets.includes(target);
  const lint = { command: 'make lint', what: 'seconds, needs Verilator only: the files are all there and sound' };
  const list = [lint];
  if (has('vivado')) {
    list.push({
      command: 'make ooc',
      what: 'an hour or so of Vivado: the machine alone fits and meets its clock, or the step says by how much it does not',
    });
    if (hasBlockDesign(board)) {
      list.push({
        command: 'make bitstream',
        what: 'some hours: packages the machine, puts the processors beside it, builds the files for the board',
      });
    } else if (!has('vitis'))
      list.push({ command: 'make ip', what: 'packages the machine as an IP core for a design of your own' });
  }
  if (has('vitis') && !hasBlockDesign(board)) {
    list.push({
      command: 'make xclbin PLATFORM=…',
      what: 'packages the kernel and links it into the platform that you have installed (`platforminfo --list`)',
    });
  }
  if (has('quartus')) {
    list.push({ command: 'make quartus', what: 'compiles the machine alone: fits or not, meets its clock or not' });
    list.push({
      command: 'qsys-edit --search-path=quartus,$',
      what: 'Platform Designer with the machine in its list of components (group lutra), for a system of your own',
    });
  }
  if (list.length < 3 && has('fusesoc')) list.push({ command: 'make fusesoc', what: 'synthesis by way of FuseSoC' });
  return list.map((each, index) => ({ ...each, number: index + 1 }));
}

/** Reports worth reading. */
export function reports(board: Board, targets: readonly ExportTarget[], context: ExportContext): Report[] {
  const list: Report[] = [];
  const vivado = (folder: string, of: string) => {
    list.push(
      {
        file: `${folder}/utilization.txt`,
        what: `what ${of} takes, module by module`,
        wanted: 'near the estimate below',
      },
      {
        file: `${folder}/timing.txt`,
        what: 'the slowest paths',
        wanted: `slack of at least 0 at ${context.clock.mhz} MHz`,
      },
      {
        file: `${folder}/methodology.txt`,
        what: 'doubts of the tool about clocks and constraints',
        wanted: 'no critical warning',
      },
    );
  };
  if (targets.includes('vivado')) {
    vivado('build/reports/ooc', 'the machine alone');
    if (hasBlockDesign(board)) vivado('build/reports/board', 'the whole design');
  }
  if (targets.includes('vitis')) {
    list.push({
      file: 'build/reports/vitis',
      what: 'the linked design, and the clock that the kernel got',
      wanted: `${context.clock.mhz} MHz`,
    });
  }
  if (targets.includes('quartus')) {
    list.push(
      {
        file: 'build/quartus/lutra_quartus.fit.summary',
        what: 'what the machine takes',
        wanted: 'near the estimate below',
      },
      { file: 'build/quartus/lutra_quartus.sta.rpt', what: 'the slowest paths', wanted: 'slack of at least 0' },
    );
  }
  return list;
}

/** What each part of the export has been checked by, and what has never been done. */
export function unproven(board: Board, targets: readonly ExportTarget[]): string[] {
  const has = (target: ExportTarget) => targets.includes(target);
  const list = [
    'Verilog: linted by Verilator from this folder alone, synthesised by Yosys unit by unit. No vendor tool has read it, placed it or routed it; resources are an estimate, and no clock has been measured.',
    'Test bench: elaborated by Verilator for every board, run in Verilator and in Icarus Verilog for some machines. The commands for xsim and Questa are taken from their documents.',
    'IP-XACT (`ip/component.xml`): structure, names and references, by a validator of lutra’s own, not by the schema of the standard.',
  ];
  if (has('vivado')) {
    list.push(
      'Vivado scripts: run in tclsh against a table of the commands, options and IP pins that they use, written from the vendor’s documents. Parameters of IP cores and names that Vivado makes up itself (`system_wrapper`, run directories) are taken from those documents.',
    );
  }
  if (hasBlockDesign(board) && has('vivado')) {
    list.push(
      `${board.title}: presets, address map and interrupt number are those of ${board.sources.join(', ')}; nothing has run on the board.`,
    );
  }
  list.push(
    'Host (`host/`): its system calls run against fakes of the device files, its driver against lutra’s simulated machine, by those files and through the bridge. It has never run on a board: kernel modules, caches, interrupts and PYNQ behave as their documents say, or it does not work.',
  );
  if (hasOverlay(board) && has('vivado')) {
    list.push(
      'Device tree overlay: compiled by dtc. That xmutil takes it, that the clock driver reaches the rate, and the port widths in `config-afi` are from the vendor’s documents.',
    );
  }
  if (board.family === 'versal') {
    list.push(
      'The names that block automation gives (`axi_noc_0`, `MC_0`) and the bandwidth that is asked of the network on chip.',
    );
  }
  if (has('vitis')) {
    list.push(
      'Vitis: that one buffer may be passed for all memory arguments, and that the platform of that name is installed.',
    );
  }
  if (has('quartus')) {
    list.push(
      'Quartus: that it infers the memories of rtl/mem_*.sv as M20K, and that Platform Designer takes the component. The machine was designed for UltraScale+; the estimate counts one ALM for each LUT.',
    );
  }
  if (has('fusesoc')) list.push('FuseSoC: the core file’s structure; FuseSoC itself has not run it.');
  return list;
}
