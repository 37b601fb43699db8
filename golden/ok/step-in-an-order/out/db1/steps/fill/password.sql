alter role shop password 'CGSECRET_shop_raw_c20a6cd4';
