a=[for in in x:in]
