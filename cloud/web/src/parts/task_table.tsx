import type { OffloadedTask } from 'api-types';
import { duration, sentence } from '../format';
import { Ago } from './page';
import { TaskBadge } from './state';
import { Table, type TableColumn } from './table';

export const TaskLink = ({ id, to }: { id: string; to: string }) => (
  <a class="mono" href={to} title={id}>
    {short_id(id)}
  </a>
);
export const device_column: TableColumn<{ device: string }> = [
  'Device',
  ({ device }) => <a href={`/devices/${device}`}>{device}</a>,
];

export function TaskTable({
  label,
  tasks,
  with_device = true,
}: {
  label: string;
  tasks: OffloadedTask[];
  with_device?: boolean;
}) {
  return (
    <Table
      label={label}
      class="tasks"
      rows={tasks}
      id={({ id }) => id}
      columns={[
        ['Task', ({ id }) => <TaskLink id={id} to={`/tasks/${encodeURIComponent(id)}`} />],
        ['State', (task) => <TaskBadge task={task} />],
        ['Kind', ({ kind }) => kind],
        with_device && device_column,
        ['Band', ({ band }) => sentence(band)],
        ['Epoch', ({ epoch }) => epoch, 'right'],
        ['Waited', (task) => (task.started ? duration(waited(task)) : '–'), 'right'],
        ['Ran', ({ ran_s }) => duration(ran_s), 'right'],
        ['Accepted', ({ accepted }) => <Ago at={accepted} />, 'right'],
      ]}
    />
  );
}

// An id is its owner's, sixteen digits, and a number that its owner counts up.
export const short_id = (id: string): string => id.replace(/^(.{4}).*-/, '$1…-');
export const number_of = (id: string): string => id.slice(id.lastIndexOf('-') + 1);

// Seconds from acceptance to its start.
export const waited = (task: OffloadedTask): number =>
  Math.max(0, (Date.parse(task.started!) - Date.parse(task.accepted)) / 1000);
