// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"
)

// picture draws a cake.
func picture(t *testing.T) []byte {
	t.Helper()

	const width, height = 640, 360

	drawn := image.NewRGBA(image.Rect(0, 0, width, height))

	for y := range height {
		for x := range width {
			drawn.Set(x, y, cake(float64(x)/width, float64(y)/height))
		}
	}

	var encoded bytes.Buffer
	if err := png.Encode(&encoded, drawn); err != nil {
		t.Fatal(err)
	}

	return encoded.Bytes()
}

// cake returns the color of a place of the picture, whose sides are 1 long.
func cake(x, y float64) color.Color {
	within := func(left, right, top, bottom float64) bool { return x > left && x < right && y > top && y < bottom }
	glaze := 0.43 + 0.05*math.Abs(math.Sin(x*26))

	switch {
	case math.Hypot((x-0.5)*1.6, (y-0.13)*0.9) < 0.022:
		return color.RGBA{255, 196, 60, 255} // the flame
	case within(0.488, 0.512, 0.16, 0.34):
		return color.RGBA{120, 130, 240, 255} // the candle
	case within(0.24, 0.76, 0.34, glaze):
		return color.RGBA{255, 240, 245, 255}
	case within(0.24, 0.76, 0.34, 0.58):
		return color.RGBA{150, 92, 60, 255}
	case within(0.24, 0.76, 0.58, 0.62):
		return color.RGBA{255, 214, 224, 255}
	case within(0.24, 0.76, 0.62, 0.8):
		return color.RGBA{132, 78, 50, 255}
	case within(0.18, 0.82, 0.8, 0.84):
		return color.RGBA{245, 246, 250, 255} // the plate
	case y > 0.8:
		return color.RGBA{96, 108, 140, 255}
	default:
		return color.RGBA{222, 212, 255, 255}
	}
}
