import fc from 'fast-check';

/**
 * The seed of every property test: the same in every run, so that a commit always gives the same answer.
 * `LUTRA_SEED=7` takes another one, `LUTRA_SEED=random` a new one for each property; a failure prints what it took.
 */
const { LUTRA_SEED: wanted = '20260901' } = process.env;
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
