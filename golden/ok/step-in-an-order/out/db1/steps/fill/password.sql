alter role shop password 'CGSECRET_shop_raw_a2c62f17';
