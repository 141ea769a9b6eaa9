// Where the dashboard lies on its host: '' or, behind a proxy, a prefix such as '/spillway'. Told by
// the address of this file, which is <prefix>/assets/…; the page names it by a relative address.
const file = (globalThis.document?.currentScript as HTMLScriptElement | undefined)?.src ?? globalThis.location?.href;
export const base = file ? new URL('..', file).pathname.slice(0, -1) : '';

// An address as the dashboard knows it; null for what is not in it.
export const inward = (path: string): string | null => (path.startsWith(`${base}/`) ? path.slice(base.length) : null);
