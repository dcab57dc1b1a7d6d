/** The script of a report’s page: draws the plots into the places that the page has for them, and changes its colours. */
import type { PageData } from '../page/pageData.ts';
import { keepDrawn } from './draw.ts';
import { closeUpLanes, timelineLanes } from './lanes.ts';
import { bandwidthPlot, energyPlot, layersPlot, memoryPlot, rooflinePlot, stallsPlot, tokensPlot } from './plots.ts';
import { watchTheme } from './theme.ts';
import { narrowest, zoomable } from './zoom.ts';

type Still = (data: PageData, width: number) => Element;

const stills: Readonly<Record<string, Still>> = {
  stalls: stallsPlot,
  layers: layersPlot,
  roofline: rooflinePlot,
  bandwidth: bandwidthPlot,
  tokens: tokensPlot,
  memory: memoryPlot,
  energy: energyPlot,
};

function start(): void {
  watchTheme();
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
  const redraws: (() => void)[] = [];
  for (const place of document.querySelectorAll<HTMLElement>('[data-plot]')) {
    const name = place.dataset['plot'] ?? '';
    if (name === 'timeline') redraws.push(zoomable(place, timelineLanes(data), 'The whole run'));
    else if (name === 'closeup') redraws.push(zoomable(place, closeUpLanes(data), 'One token, cycle by cycle'));
    else {
      const draw = stills[name];
      if (draw) {
        redraws.push(() => {
          if (place.clientWidth >= narrowest) place.replaceChildren(draw(data, place.clientWidth));
        });
      }
    }
  }
  keepDrawn(() => {
    for (const each of redraws) each();
  });
}

start();
