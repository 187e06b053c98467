// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// The limits of Meta's messages API, interactive object of type product_list.
const (
	maxProductSections = 10
	maxProducts        = 30 // of all sections
)

// ProductContent shows one product of a catalog.
//
// Source of the products and catalogs:
// https://developers.facebook.com/documentation/business-messaging/whatsapp/catalogs/sell-products-and-services/share-products
type ProductContent struct {
	Text   string // optional
	Footer string // optional
	Product
}

// Product is a product of a catalog that is connected to the business account.
type Product struct {
	CatalogID  string `json:"catalog_id"`
	RetailerID string `json:"product_retailer_id"` // the content id of the Commerce Manager
}

// ProductListContent is a text with up to 30 products of a catalog in up to 10 sections. Meta requires the header.
type ProductListContent struct {
	Frame     // without HeaderMedia
	CatalogID string
	Sections  []ProductSection
}

// ProductSection is a part of the list. If there are several, each needs a title.
type ProductSection struct {
	Title       string
	RetailerIDs []string
}

// CatalogContent is a text with a button that opens the catalog of the business account.
type CatalogContent struct {
	Text      string
	Footer    string // optional
	Thumbnail string // retailer id of the product whose picture is shown. Defaults to the catalog's first product.
}

type productItem struct {
	RetailerID string `json:"product_retailer_id"`
}

type catalogParameters struct {
	Thumbnail string `json:"thumbnail_product_retailer_id"`
}

func (c ProductContent) put(message *outbound) (int, error) {
	frame := Frame{Text: c.Text, Footer: c.Footer}

	if isBlank(c.Text) {
		frame.Text = ""
	} else if err := checkLength("the text below the product", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	if err := c.check("the product"); err != nil {
		return 0, err
	}

	var cut truncator

	object, err := frame.object(&cut, "product")
	if err != nil {
		return 0, err
	}

	object.Action.CatalogID = c.CatalogID
	object.Action.RetailerID = c.RetailerID
	message.setInteractive(object)

	return cut.count, nil
}

func (p Product) check(what string) error {
	if p.CatalogID == "" || p.RetailerID == "" {
		return invalidMessage("%s needs the id of its catalog and its own", what)
	}

	return nil
}

func (c ProductListContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the products", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	switch {
	case c.HeaderMedia != nil:
		return 0, invalidMessage("the list of products has a file in its header: send the file before")
	case isBlank(c.Header):
		return 0, invalidMessage("the list of products has no header: give it a text")
	case c.CatalogID == "":
		return 0, invalidMessage("the list of products needs the id of its catalog")
	}

	var cut truncator

	sections, err := c.sections(&cut)
	if err != nil {
		return 0, err
	}

	object, err := c.object(&cut, "product_list")
	if err != nil {
		return 0, err
	}

	object.Action.CatalogID = c.CatalogID
	object.Action.Sections = sections
	message.setInteractive(object)

	return cut.count, nil
}

// sections returns the sections that have products.
func (c ProductListContent) sections(cut *truncator) ([]sectionObject, error) {
	var sections []sectionObject

	products := 0
	for _, section := range c.Sections {
		if len(section.RetailerIDs) == 0 {
			continue
		}

		encoded := sectionObject{Title: cut.fit(section.Title, maxSectionTitle)}
		for _, id := range section.RetailerIDs {
			products++

			if id == "" {
				return nil, invalidMessage("product %d of the list has no id", products)
			}

			encoded.Products = append(encoded.Products, productItem{RetailerID: id})
		}

		sections = append(sections, encoded)
	}

	if products == 0 || products > maxProducts {
		return nil, invalidMessage("the list has %d products: give it 1 to %d", products, maxProducts)
	}

	if n := len(sections); n > maxProductSections {
		return nil, invalidMessage("the list of products has %d sections: give it at most %d", n, maxProductSections)
	}

	return sections, checkTitles("the list of products", sections)
}

func (c CatalogContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the catalog", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	var cut truncator

	object, err := Frame{Text: c.Text, Footer: c.Footer}.object(&cut, "catalog_message")
	if err != nil {
		return 0, err
	}

	object.Action.Name = "catalog_message"
	if c.Thumbnail != "" {
		object.Action.Parameters = catalogParameters{Thumbnail: c.Thumbnail}
	}

	message.setInteractive(object)

	return cut.count, nil
}
