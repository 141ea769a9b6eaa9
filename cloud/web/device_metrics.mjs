// The metrics that the list of devices has columns for: the member of a device, the title above its
// column and the order that begins with the worst, as the interface's description has them.
import { readFileSync } from 'node:fs';

export const device_metrics = (openapi) =>
  Object.entries(JSON.parse(readFileSync(openapi, 'utf8')).components.schemas.DeviceRow.properties)
    .filter(([, told]) => told['x-sort'] && !told['x-wide'])
    .map(([field, told]) => [field, told.title, told['x-sort']]);
