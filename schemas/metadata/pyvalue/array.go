package pyvalue

import (
	"math"
	"strconv"
	"strings"
)

// Array is a numpy array.
type Array struct {
	// Kind is numpy's: b, i, u, f, c, S, V, and O for texts of variable length.
	Kind byte
	// Size is the size of an element in bytes.
	Size  int
	Shape []int
	// Elements are the plain values, row-major.
	Elements []Value
}

// TypeName is what numpy calls the type.
func (Array) TypeName() string { return "numpy.ndarray" }

// Rows are what Python gets by iterating over the array.
func (a Array) Rows() []Value {
	if len(a.Shape) == 0 {
		return nil
	}
	rows := make([]Value, 0, a.Shape[0])
	for i := range a.Shape[0] {
		rows = append(rows, a.row(i))
	}
	return rows
}

func (a Array) row(i int) Value {
	if len(a.Shape) == 1 {
		if a.Kind == 'O' {
			return a.Elements[i]
		}
		return Scalar{a.Kind, a.Size, a.Elements[i]}
	}
	width := len(a.Elements) / max(a.Shape[0], 1)
	return Array{a.Kind, a.Size, a.Shape[1:], a.Elements[i*width : (i+1)*width]}
}

func shapeText(shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "×")
}

// numpy's print options as they are by default.
const (
	lineWidth = 75
	threshold = 1000
	edgeItems = 3
	precision = 8
)

// text is str() of the array.
func (a Array) text() string {
	if len(a.Elements) == 0 {
		return "[]"
	}
	p := arrayPrinter{array: a, summary: len(a.Elements) > threshold}
	p.prepare()
	return p.write(0, 0, " ", lineWidth)
}

// cell is the text of one element as it would stand in the array alone.
func (a Array) cell(i int) string {
	p := arrayPrinter{array: a}
	p.prepare()
	return strings.TrimSpace(p.format(a.Elements[i]))
}

// arrayPrinter lays out an array as numpy does: all cells equally wide.
type arrayPrinter struct {
	array   Array
	summary bool
	format  func(Value) string
}

func (p *arrayPrinter) prepare() {
	shown := p.shown(0, 0, nil)
	switch p.array.Kind {
	case 'f':
		p.format = p.floatFormat(shown)
	case 'i', 'u', 'b':
		width := 0
		for _, v := range shown {
			width = max(width, len(Text(v)))
		}
		p.format = func(v Value) string {
			text := Text(v)
			return strings.Repeat(" ", max(0, width-len(text))) + text
		}
	case 'V':
		p.format = func(v Value) string { return Text(Scalar{'V', 0, v}) }
	default:
		p.format = Repr
	}
}

// shown lists the elements that will be printed: without a summary, all.
func (p *arrayPrinter) shown(axis, offset int, list []Value) []Value {
	a := p.array
	if !p.summary {
		return a.Elements
	}
	if axis == len(a.Shape) {
		return append(list, a.Elements[offset])
	}
	stride := p.stride(axis)
	for i := range a.Shape[axis] {
		if p.cut(axis) && i >= edgeItems && i < a.Shape[axis]-edgeItems {
			continue
		}
		list = p.shown(axis+1, offset+i*stride, list)
	}
	return list
}

func (p *arrayPrinter) cut(axis int) bool {
	return p.summary && p.array.Shape[axis] > 2*edgeItems
}

func (p *arrayPrinter) stride(axis int) int {
	stride := 1
	for _, n := range p.array.Shape[axis+1:] {
		stride *= n
	}
	return stride
}

// write is the text of the part of the array at offset. The hanging indent
// grows with each axis, and so does what the closing brackets need.
func (p *arrayPrinter) write(axis, offset int, indent string, width int) string {
	shape := p.array.Shape
	if axis == len(shape) {
		return p.format(p.array.Elements[offset])
	}
	left := len(shape) - axis
	innerWidth := width - 1
	type entry struct {
		text string
	}
	var entries []entry
	for i := range shape[axis] {
		if p.cut(axis) && i == edgeItems {
			entries = append(entries, entry{"..."})
		}
		if p.cut(axis) && i >= edgeItems && i < shape[axis]-edgeItems {
			continue
		}
		entries = append(entries, entry{p.write(axis+1, offset+i*p.stride(axis), indent+" ", innerWidth)})
	}
	var sb strings.Builder
	if left > 1 {
		separator := strings.Repeat("\n", left-1)
		for i, e := range entries {
			if i > 0 {
				sb.WriteString(separator + indent)
			}
			sb.WriteString(e.text)
		}
		return "[" + sb.String() + "]"
	}
	line := indent
	for i, e := range entries {
		room := innerWidth
		if i == len(entries)-1 {
			room = width - max(1, axis+1)
		}
		if len(line)+len([]rune(e.text)) > room && len(line) > len(indent) {
			sb.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += e.text
		if i < len(entries)-1 {
			line += " "
		}
	}
	sb.WriteString(line)
	return "[" + sb.String()[len(indent):] + "]"
}

// floatFormat decides between positional and scientific notation for all cells
// together and pads them around the decimal point.
func (p *arrayPrinter) floatFormat(shown []Value) func(Value) string {
	var finite []float64
	special := 0
	for _, v := range shown {
		f, err := ToFloat(v)
		switch {
		case err != nil:
		case math.IsNaN(float64(f)), math.IsInf(float64(f), 0):
			special = max(special, len(FloatText(float64(f))))
		default:
			finite = append(finite, float64(f))
		}
	}
	style := floatStyle{size: p.array.Size, scientific: wantsExponent(finite)}
	style.measure(finite, special)
	return func(v Value) string {
		f, err := ToFloat(v)
		if err != nil {
			return Repr(v)
		}
		return style.cell(float64(f))
	}
}

// wantsExponent follows numpy: extreme numbers, or numbers far apart.
func wantsExponent(finite []float64) bool {
	largest, smallest := 0.0, math.Inf(1)
	for _, f := range finite {
		if abs := math.Abs(f); abs != 0 {
			largest, smallest = max(largest, abs), min(smallest, abs)
		}
	}
	return largest != 0 && (largest >= 1e8 || smallest < 1e-4 || largest/smallest > 1000)
}
