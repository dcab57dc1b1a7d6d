/** Draws what depends on the width of the page, now and whenever that changes, and says that the page is ready. */
export function keepDrawn(draw: () => void): void {
  draw();
  const page = document.documentElement;
  let width = page.clientWidth;
  addEventListener('resize', () => {
    if (page.clientWidth === width) return;
    width = page.clientWidth;
    draw();
  });
  page.dataset['ready'] = 'true';
}
