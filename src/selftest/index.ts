/** The board bring-up self-test of any hardware model. */
export { describeSelfTest, selfTestImageName } from './report.ts';
export { type SelfTest, type SelfTestOptions, selfTest } from './selfTest.ts';
