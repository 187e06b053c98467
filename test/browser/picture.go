// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// picturesVariable names the folder that pictures are written to. Without it none is.
const picturesVariable = "PICTURES"

// colors is how many colors a picture has, so that one of a page of text takes a third of what Chromium makes of it.
const colors = 256

// Picture writes a picture of the window to the folder that PICTURES names, if it does.
func (p *Page) Picture(name string) {
	p.t.Helper()

	folder := os.Getenv(picturesVariable)
	if folder == "" {
		return
	}

	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}

	picture = compressed(p.t, picture)
	path := filepath.Join(folder, name+".png")

	if err := os.WriteFile(path, picture, 0o600); err != nil { //nolint:gosec // the folder is the developer's
		p.t.Fatal(err)
	}

	p.t.Logf("%s: %d kB", path, len(picture)/1000)
}

// compressed returns a picture in its most frequent colors.
func compressed(t testing.TB, picture []byte) []byte {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}

	reduced := image.NewPaletted(decoded.Bounds(), frequentColors(decoded))
	draw.Draw(reduced, reduced.Bounds(), decoded, decoded.Bounds().Min, draw.Src)

	var small bytes.Buffer

	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&small, reduced); err != nil {
		t.Fatal(err)
	}

	return small.Bytes()
}

// frequentColors returns the most frequent colors that differ from one another.
func frequentColors(picture image.Image) color.Palette {
	bounds := picture.Bounds()
	counts := map[color.RGBA]int{}

	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}

	byCount := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })

	var palette color.Palette

	for _, c := range byCount {
		isNear := func(other color.Color) bool { return near(c, other.(color.RGBA)) }
		if len(palette) < colors && !slices.ContainsFunc(palette, isNear) {
			palette = append(palette, c)
		}
	}

	return palette
}

// near reports whether two colors look alike.
func near(a, b color.RGBA) bool {
	const step = 5

	differ := func(x, y uint8) bool { return max(x, y)-min(x, y) > step }

	return !differ(a.R, b.R) && !differ(a.G, b.G) && !differ(a.B, b.B)
}
