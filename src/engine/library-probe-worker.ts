// A process of its own, in which libraries of TensorRT are opened to read their versions: one that crashes
// or hangs while it is loaded takes nothing else down. Gets paths, answers each in turn.
import { fromNative } from '../errors';
import { native } from '../native/binding';
import type { ProbeAnswer } from './library-probe';

process.on('disconnect', () => process.exit());

process.on('message', async (libraryPath: string) => {
  let answer: ProbeAnswer;
  try {
    const info = await native().trtLibraryInfo(libraryPath);
    answer = {
      flavor: info.flavor,
      version: info.version.text,
      ...(info.buildRefusal === undefined ? {} : { buildRefusal: info.buildRefusal }),
    };
  } catch (thrown) {
    const { code, message } = fromNative(thrown);
    answer = { code, refusal: message };
  }
  process.send!(answer, () => {
    // The other side went away; `disconnect` ends this process.
  });
});
