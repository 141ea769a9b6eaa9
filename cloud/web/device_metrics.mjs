// The metrics that the list of devices has columns for: the member of a device, the title above its
// column and the order that begins with the worst, as openapi.json has them.
import { readFileSync } from 'node:fs';

const api = new URL('../api/openapi.json', import.meta.url);

export const device_metrics = Object.entries(
  JSON.parse(readFileSync(api, 'utf8')).components.schemas.DeviceRow.properties,
)
  .filter(([, told]) => told['x-sort'] && !told['x-wide'])
  .map(([field, told]) => [field, told.title, told['x-sort']]);
