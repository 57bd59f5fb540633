/** `value` without these properties. */
export function omit<T extends object, K extends keyof T>(value: T, ...fields: readonly K[]): Omit<T, K> {
  const left: Partial<T> = { ...value };
  // The copy is ours: nobody else sees it change shape.
  for (const field of fields) Reflect.deleteProperty(left, field);
  return left as Omit<T, K>;
}
