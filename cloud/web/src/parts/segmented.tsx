// One of a few, as radio buttons that look like one control.
export function Segmented({
  name,
  label,
  value,
  options,
  choose,
}: {
  name: string;
  label: string;
  value: string;
  options: string[][];
  choose: (value: string) => void;
}) {
  return (
    <fieldset class="segmented">
      <legend class="hidden">{label}</legend>
      {options.map(([option, word]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => choose(option!)} />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
