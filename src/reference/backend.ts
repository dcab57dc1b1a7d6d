/** Makes tfjs ready: the plain JavaScript backend, which is deterministic and runs everywhere. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

/** Idempotent. Production mode keeps tfjs from printing its advertisement. */
export function prepareBackend(): void {
  tf.env().set('PROD', true);
  void tf.setBackend('cpu');
}
