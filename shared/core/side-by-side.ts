/** As Promise.all, but it waits for all of them also when one fails: nothing may run on after an answer. */
export async function sideBySide<T extends readonly unknown[]>(work: {
  [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
