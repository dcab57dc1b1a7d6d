/** Light, dark, or as the system is. Remembered as long as the page is open. */
export function watchTheme(): void {
  const group = document.querySelector<HTMLElement>('.theme');
  if (!group) return;
  group.hidden = false;
  const buttons = [...group.querySelectorAll<HTMLButtonElement>('button')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      const choice = button.dataset['themeChoice'] ?? 'auto';
      if (choice === 'auto') delete document.documentElement.dataset['theme'];
      else document.documentElement.dataset['theme'] = choice;
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
    });
  }
}
