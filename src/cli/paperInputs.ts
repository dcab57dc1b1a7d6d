/** The files that published machines are built from. */
import { join } from 'node:path';
import { loadHardwareModel } from '../hw/index.ts';
import { readConfig, shapeOnlyModel } from '../model/index.ts';
import type { PaperInputs } from '../papers/index.ts';
import { exists, hardwareFolder, modelDirectory, packageRoot, readText } from './files.ts';

/** Reads the hardware models and the model shapes that come with lutra. */
export function paperInputs(): PaperInputs {
  const paperFile = (name: string) => join(hardwareFolder, 'papers', `${name}.json`);
  return {
    hardware(name, set = []) {
      const file = exists(paperFile(name)) ? paperFile(name) : join(hardwareFolder, `${name}.json`);
      return loadHardwareModel(readText(file), file, [...set]);
    },
    graph(name) {
      return shapeOnlyModel(readConfig(modelDirectory(join(packageRoot, 'models', name))), name);
    },
    description(name) {
      const file = paperFile(name);
      return { file, text: readText(file) };
    },
  };
}
