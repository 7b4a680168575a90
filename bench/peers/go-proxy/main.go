// The dispatch that people write in Go: httputil.ReverseProxy from the standard library, with a counter.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
)

func main() {
	target, err := url.Parse(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	targets := map[string]*url.URL{"qa": target}
	var requests atomic.Int64
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[r.In.Header.Get("Environment")])
			r.Out.Header.Set("X-Added", "by-the-proxy")
		},
		// The default keeps 2 idle connections for each host and would open new ones all the time.
		Transport:      &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 256},
		ModifyResponse: func(*http.Response) error { requests.Add(1); return nil },
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if targets[r.Header.Get("Environment")] == nil {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})))
}
