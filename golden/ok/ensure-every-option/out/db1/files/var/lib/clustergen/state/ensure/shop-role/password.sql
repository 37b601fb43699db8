alter role shop password 'CGSECRET_shop_raw_0dfe3383';
