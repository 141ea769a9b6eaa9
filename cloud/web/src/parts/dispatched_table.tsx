import type { DispatchedTask } from 'api-types';
import { sentence, words } from '../format';
import { Ago } from './page';
import { DispatchedBadge } from './state';
import { Table } from './table';
import { device_column, TaskLink } from './task_table';

export function DispatchedTable({
  label,
  tasks,
  with_device = true,
  with_kind = true,
}: {
  label: string;
  tasks: DispatchedTask[];
  with_device?: boolean;
  with_kind?: boolean;
}) {
  return (
    <Table
      label={label}
      class="tasks"
      rows={tasks}
      id={({ id }) => id}
      columns={[
        ['Task', ({ id }) => <TaskLink id={id} to={`/tasks/dispatched/${id}`} />],
        ['State', (task) => <DispatchedBadge task={task} />],
        with_kind && ['Kind', ({ kind }) => kind],
        with_device && device_column,
        ['Granted', ({ grants }) => grants, 'right'],
        ['Last failure', ({ last_failure: last }) => (last === 'none' ? '–' : sentence(words(last)))],
        ['In this state for', ({ since }) => <Ago at={since} bare />, 'right'],
        ['Submitted', ({ created }) => <Ago at={created} />, 'right'],
      ]}
    />
  );
}
