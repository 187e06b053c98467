// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"strings"

	"github.com/rivo/uniseg"
)

// gap separates the columns of a table.
const gap = "   "

// Cell is a text in a table.
type Cell struct {
	Text string
	Tone Tone
}

// C returns a cell without a tone.
func C(text string) Cell { return Cell{Text: text} }

// Table is a table with a line of headers.
type Table struct {
	Headers []string
	Rows    [][]Cell
}

// Add adds a row.
func (t *Table) Add(cells ...Cell) { t.Rows = append(t.Rows, cells) }

// Table writes a table. Each cell is one line; an empty one is written as a dash.
func (p *Printer) Table(t Table) {
	widths := make([]int, len(t.Headers))
	for i, header := range t.Headers {
		widths[i] = uniseg.StringWidth(header)
	}

	rows := make([][]Cell, 0, len(t.Rows))
	for _, row := range t.Rows {
		cells := make([]Cell, len(t.Headers))

		for i := range cells {
			if i < len(row) {
				cells[i] = Cell{
					Text: CleanLine(row[i].Text),
					Tone: row[i].Tone,
				}
			}

			if cells[i].Text == "" {
				cells[i] = Cell{
					Text: "-",
					Tone: Faint,
				}
			}

			widths[i] = max(widths[i], uniseg.StringWidth(cells[i].Text))
		}

		rows = append(rows, cells)
	}

	headers := make([]Cell, 0, len(t.Headers))
	for _, header := range t.Headers {
		headers = append(headers, Cell{
			Text: header,
			Tone: Bold,
		})
	}

	p.row(headers, widths)

	for _, row := range rows {
		p.row(row, widths)
	}
}

// row writes one row, padded to the widths of the columns except the last.
func (p *Printer) row(cells []Cell, widths []int) {
	var line strings.Builder

	for i, cell := range cells {
		line.WriteString(p.out.paint(cell.Tone, cell.Text))

		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell.Text)) + gap)
		}
	}

	p.Printf("%s\n", line.String())
}

// Fields writes names and values, one pair a line, with the values aligned. Pairs with an empty value are left out.
func (p *Printer) Fields(pairs ...[2]string) {
	width := 0
	for _, pair := range pairs {
		if pair[1] != "" {
			width = max(width, uniseg.StringWidth(pair[0])+1)
		}
	}

	for _, pair := range pairs {
		if pair[1] == "" {
			continue
		}

		name := pair[0] + ":"
		p.Printf("%s%s  %s\n", p.out.paint(Bold, name), strings.Repeat(" ", width-uniseg.StringWidth(name)), CleanLine(pair[1]))
	}
}
