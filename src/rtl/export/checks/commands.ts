/**
 * The commands of vendor tools that exported scripts use, with their options, as the vendors document them. A dry run
 * of a script is checked against this table: a command or an option that is not in it is a fault until somebody has
 * looked it up and added it here.
 */

/** What a command gives back in a dry run; see export-templates/check/dryRun.tcl. */
type Result = 'nothing' | 'names' | 'last' | 'object' | 'property';

export interface VendorCommand {
  readonly name: string;
  /** Options that stand alone. */
  readonly flags: readonly string[];
  /** Options with a value. */
  readonly valued: readonly string[];
  /** Words beside options: least and most. */
  readonly words: readonly [number, number];
  readonly result: Result;
}

export interface VendorTool {
  readonly name: string;
  /** The documents that the table was written from. */
  readonly source: string;
  readonly commands: readonly VendorCommand[];
}

const any = Number.POSITIVE_INFINITY;

/** `name -flag -valued= [least most] → result` as a row. */
function row(
  name: string,
  options: string,
  words: readonly [number, number],
  result: Result = 'nothing',
): VendorCommand {
  const all = options.split(' ').filter((option) => option !== '');
  return {
    name,
    flags: all.filter((option) => !option.endsWith('=')),
    valued: all.filter((option) => option.endsWith('=')).map((option) => option.slice(0, -1)),
    words,
    result,
  };
}

const common = '-quiet -verbose';

const constraints = [
  row('create_clock', '-period= -name= -waveform= -add', [0, 1]),
  row('set_input_delay', '-clock= -max -min -add_delay', [2, 2]),
  row('set_output_delay', '-clock= -max -min -add_delay', [2, 2]),
];

const vivado: VendorTool = {
  name: 'Vivado',
  source: 'AMD UG835 (Vivado Tcl commands), UG994 (IP integrator), UG1118 (packaging IP), UG903 (constraints)',
  commands: [
    row('create_project', `-part= -force -in_memory -ip -rtl_kernel ${common}`, [0, 2], 'object'),
    row('close_project', `-delete ${common}`, [0, 0]),
    row('current_project', common, [0, 1], 'object'),
    row('current_fileset', '-constrset -simset -srcset', [0, 1], 'object'),
    row('current_design', common, [0, 1], 'object'),
    row('add_files', `-fileset= -norecurse -copy_to= -force -scan_for_includes ${common}`, [1, 1], 'names'),
    row('get_files', `-regexp -nocase -of_objects= -filter= -all ${common}`, [0, 1], 'names'),
    row('update_compile_order', `-fileset= -force_gui ${common}`, [0, 0]),
    row('set_property', `-dict= -name= -value= ${common}`, [1, 3]),
    row('get_property', `-min -max ${common}`, [2, 2], 'property'),
    row('update_ip_catalog', `-rebuild -add_ip= -delete_ip= -repo_path= ${common}`, [0, 0]),
    row('get_ipdefs', `-regexp -nocase -all -filter= ${common}`, [0, 1], 'names'),
    row(
      'get_board_parts',
      `-regexp -nocase -latest_file_version -latest_hw_revision -filter= ${common}`,
      [0, 1],
      'names',
    ),
    row('read_verilog', `-library= -sv ${common}`, [1, 1], 'names'),
    row('read_xdc', `-mode= -unmanaged -cells= -ref= ${common}`, [1, 1], 'names'),
    row('synth_design', `-top= -part= -mode= -flatten_hierarchy= -directive= -retiming -name= -rtl ${common}`, [0, 0]),
    row('opt_design', `-directive= -retarget -propconst -sweep ${common}`, [0, 0]),
    row('place_design', `-directive= -no_timing_driven -timing_summary ${common}`, [0, 0]),
    row('phys_opt_design', `-directive= ${common}`, [0, 0]),
    row('route_design', `-directive= -timing_summary ${common}`, [0, 0]),
    row('write_checkpoint', `-force -cell= ${common}`, [1, 1]),
    row('report_utilization', `-file= -append -hierarchical -cells= -name= ${common}`, [0, 0]),
    row('report_timing_summary', `-file= -delay_type= -max_paths= -nworst= -append -name= ${common}`, [0, 0]),
    row('report_power', `-file= -append -name= ${common}`, [0, 0]),
    row('report_methodology', `-file= -append -name= -checks= ${common}`, [0, 0]),
    row('get_timing_paths', `-delay_type= -max_paths= -nworst= -from= -to= -setup -hold ${common}`, [0, 0], 'object'),
    row('get_ports', `-regexp -nocase -filter= -of_objects= ${common}`, [0, 1], 'names'),
    row('get_runs', `-regexp -nocase -filter= ${common}`, [0, 1], 'names'),
    row('launch_runs', `-jobs= -to_step= -next_step -scripts_only -force -dir= ${common}`, [1, any]),
    row('wait_on_run', `-timeout= ${common}`, [1, any]),
    row('open_run', `-name= -pr_config= ${common}`, [1, 1]),
    row(
      'write_hw_platform',
      `-fixed -force -include_bit -include_sim_content -minimal -file= -hw -hw_emu ${common}`,
      [0, 1],
    ),
    row('make_wrapper', `-files= -top -import -force -fileset= -testbench ${common}`, [0, 0]),
    row('create_bd_design', `-dir= -cell= -boundary_from_container= ${common}`, [1, 1], 'object'),
    row('create_bd_cell', `-type= -vlnv= -reference= ${common}`, [1, 1], 'last'),
    row('get_bd_cells', `-regexp -hierarchical -of_objects= -filter= ${common}`, [0, 1], 'names'),
    row('get_bd_pins', `-regexp -hierarchical -of_objects= -filter= ${common}`, [0, 1], 'names'),
    row('get_bd_intf_pins', `-regexp -hierarchical -of_objects= -filter= ${common}`, [0, 1], 'names'),
    row('get_bd_addr_spaces', `-regexp -hierarchical -of_objects= -filter= ${common}`, [0, 1], 'names'),
    row(
      'get_bd_addr_segs',
      `-regexp -hierarchical -of_objects= -filter= -excluded -addressed -unaddressed ${common}`,
      [0, 1],
      'names',
    ),
    row('connect_bd_net', `-net= -boundary_type= ${common}`, [1, any]),
    row('connect_bd_intf_net', `-intf_net= -boundary_type= ${common}`, [2, 2]),
    row('apply_bd_automation', `-rule= -config= -opts= ${common}`, [1, 1]),
    row('assign_bd_address', `-target_address_space= -offset= -range= -force -import_from_file= ${common}`, [0, 1]),
    row('regenerate_bd_layout', `-hierarchy= -layout_file= ${common}`, [0, 0]),
    row('validate_bd_design', `-force -design= ${common}`, [0, 0]),
    row('save_bd_design', common, [0, 1]),
    row(
      'ipx::package_project',
      `-root_dir= -vendor= -library= -taxonomy= -name= -version= -import_files -set_current= -force -module= -archive_source_project= ${common}`,
      [0, 0],
      'object',
    ),
    row('ipx::current_core', common, [0, 1], 'object'),
    row('ipx::open_core', `-set_current= ${common}`, [1, 1], 'object'),
    row('ipx::infer_bus_interface', common, [3, 3], 'object'),
    row('ipx::associate_bus_interfaces', `-busif= -clock= -reset= -remove -clear ${common}`, [1, 1]),
    row('ipx::get_bus_interfaces', `-of_objects= -filter= ${common}`, [0, 1], 'names'),
    row('ipx::get_bus_parameters', `-of_objects= -filter= ${common}`, [0, 1], 'names'),
    row('ipx::add_bus_parameter', common, [2, 2], 'object'),
    row('ipx::get_memory_maps', `-of_objects= -filter= ${common}`, [0, 1], 'object'),
    row('ipx::remove_memory_map', common, [2, 2]),
    row('ipx::add_memory_map', common, [2, 2], 'object'),
    row('ipx::add_address_block', common, [2, 2], 'object'),
    row('ipx::add_register', common, [2, 2], 'object'),
    row('ipx::create_xgui_files', `-logo_file= ${common}`, [0, 1]),
    row('ipx::update_checksums', common, [0, 1]),
    row('ipx::check_integrity', `-kernel -xrt ${common}`, [0, 1]),
    row('ipx::save_core', common, [0, 1]),
    row(
      'package_xo',
      `-xo_path= -kernel_name= -ip_directory= -kernel_xml= -ctrl_protocol= -output_kernel_xml= -force ${common}`,
      [0, 0],
    ),
    ...constraints,
  ],
};

const quartus: VendorTool = {
  name: 'Quartus',
  source:
    'Intel UG-20132 (Quartus Prime Pro scripting), UG-20144 (Platform Designer), SDC and TimeQuest API (MNL-SDCTMQ)',
  commands: [
    row('load_package', '-version=', [1, 1]),
    row('project_open', '-current_revision -force -revision=', [1, 1]),
    row('project_close', '-dont_export_assignments', [0, 0]),
    row('execute_flow', '-compile -analysis_and_elaboration -implement', [0, 0]),
    row('load_report', '', [0, 1]),
    row('unload_report', '', [0, 1]),
    row('get_report_panel_data', '-id= -name= -row= -row_name= -col= -col_name=', [0, 0], 'property'),
    row('derive_clock_uncertainty', '-add -overwrite', [0, 0]),
    row('get_ports', '-nocase -nowarn -no_duplicates', [1, 1], 'names'),
    row('package', '-exact', [2, 3]),
    row('set_module_property', '', [2, 2]),
    row('add_fileset', '', [3, 4]),
    row('set_fileset_property', '', [3, 3]),
    row('add_fileset_file', '', [4, any]),
    row('add_interface', '', [3, 3]),
    row('set_interface_property', '', [3, 3]),
    row('add_interface_port', '', [5, 5]),
    ...constraints,
  ],
};

export const vendorTools = { vivado, quartus } as const;

/** Properties that a script asks a tool for, as a healthy run would answer. */
export const healthyProperties: Readonly<Record<string, string>> = {
  SLACK: '0.125',
  PROGRESS: '100%',
  'CONFIG.NUM_SI': '8',
  'CONFIG.NUM_CLKS': '7',
  NAME: 'name',
  // get_report_panel_data begins with this word.
  '-name': '0.125',
};
