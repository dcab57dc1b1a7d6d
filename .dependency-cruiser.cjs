/** The import arrows of the project: which folder of `src` may import which. Checked in CI. */
const allowed = {
  base: [],
  hw: [],
  isa: ['hw'],
  numerics: ['hw'],
  model: [],
  trace: [],
  compiler: ['model', 'isa', 'hw', 'numerics'],
  reference: ['model'],
  machine: ['isa', 'hw', 'numerics', 'trace'],
  selftest: ['isa', 'hw', 'numerics', 'machine'],
  report: ['trace', 'hw', 'isa'],
  rtl: ['isa', 'hw', 'numerics'],
  papers: ['model', 'isa', 'hw', 'numerics', 'compiler', 'machine', 'trace', 'report'],
  debug: ['machine', 'isa', 'hw', 'numerics', 'trace', 'report'],
  host: ['isa', 'hw', 'rtl', 'machine', 'trace', 'numerics'],
  cosim: ['host', 'rtl', 'machine', 'trace', 'isa', 'hw', 'numerics'],
};

const arrows = Object.entries(allowed).map(([folder, targets]) => ({
  name: `${folder}-arrows`,
  comment: `src/${folder} may import base${targets.map((target) => `, ${target}`).join('')} and itself`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(base|${[folder, ...targets].join('|')})/` },
}));

/** Files, clocks, randomness and the console belong to the command line and to co-simulation. */
const pure = {
  name: 'no-host-access',
  severity: 'error',
  from: { path: '^src/', pathNot: '^src/(cli|cosim)/' },
  to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
};

module.exports = {
  forbidden: [
    ...arrows,
    pure,
    {
      name: 'units-are-strangers',
      comment: 'units never import each other; machine.ts wires them',
      severity: 'error',
      from: { path: '^src/machine/units/([^/]+)' },
      to: { path: '^src/machine/units/', pathNot: '^src/machine/units/$1' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // AssemblyScript: modules of their own, which nothing imports.
    exclude: { path: '/assembly/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
