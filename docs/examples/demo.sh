volcv demo
