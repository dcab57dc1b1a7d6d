/** `layer 3 ffn`; what belongs to no layer goes by its operation. */
export function layerTitle({ layer, operation }: { readonly layer: number; readonly operation: string }): string {
  if (operation === '') return layer < 0 ? 'elsewhere' : `layer ${layer}`;
  return operation === 'embed' || operation === 'head' || operation === 'coarse' || layer < 0
    ? operation
    : `layer ${layer} ${operation}`;
}
