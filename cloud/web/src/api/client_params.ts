// A path with the parameters that say something; lists are joined by commas.
export type Params = Record<string, string | number | boolean | string[] | undefined>;
export function with_params(path: string, params: Params): string {
  const pairs = Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(
      ([key, value]) =>
        `${key}=${encodeURIComponent(Array.isArray(value) ? value.join(',') : String(value)).replaceAll('%2C', ',')}`,
    );
  return pairs.length ? `${path}?${pairs.join('&')}` : path;
}
